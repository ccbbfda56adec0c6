/**
 * What each is in its range and yet does not go together.
 */
import type { OptionCheck } from './option-check.js';
import type { DependencyOptions } from './options.js';

/**
 * Pairs that one dependency wrote itself; where a default is part of the pair, the lesser time
 * bounds the greater. `options` are sound one by one.
 */
export function tellPairs(
  options: DependencyOptions,
  check: OptionCheck,
): void {
  const { timeoutMs, attemptTimeoutMs, retry, circuit } = options;
  atMost(check, 'attemptTimeoutMs', attemptTimeoutMs, 'timeoutMs', timeoutMs);
  const backoff = retry ? retry.backoff : undefined;
  atMost(
    check,
    'retry.backoff.delayMs',
    backoff?.delayMs,
    'retry.backoff.maxDelayMs',
    backoff?.maxDelayMs,
  );
  const leaseMs = circuit ? circuit.leaseMs : undefined;
  if (
    isNumber(leaseMs) &&
    isNumber(attemptTimeoutMs) &&
    leaseMs < attemptTimeoutMs
  )
    check.tell(
      'circuit.leaseMs',
      `is ${leaseMs}: expected at least attemptTimeoutMs, ${attemptTimeoutMs}`,
    );
}

/** What the whole, defaults included, must have. */
export function tellWhole(
  options: DependencyOptions,
  check: OptionCheck,
): void {
  const { rateLimit, circuit, http } = options;
  if (http?.socketPath !== undefined && http.proxy)
    check.tell(
      'http.socketPath',
      'goes with no http.proxy: expected one of them',
    );
  if (rateLimit) tellMissing(check, 'rateLimit', rateLimit, RATE_LIMIT);
  const asked = circuit ? circuit.openOnRetryAfter : undefined;
  if (asked) tellMissing(check, 'circuit.openOnRetryAfter', asked, ASKED);
}

const RATE_LIMIT = ['limit', 'intervalMs'] as const;
const ASKED = ['maxMs'] as const;

function tellMissing<Name extends string>(
  check: OptionCheck,
  level: string,
  options: Readonly<Partial<Record<Name, unknown>>>,
  needed: readonly Name[],
): void {
  for (const name of needed) {
    const path = `${level}.${name}`;
    if (options[name] === undefined && !check.isTold(path))
      check.tell(path, `is missing: expected { ${needed.join(', ')} }`);
  }
}

function atMost(
  check: OptionCheck,
  option: string,
  value: unknown,
  boundOption: string,
  bound: unknown,
): void {
  if (isNumber(value) && isNumber(bound) && value > bound)
    check.tell(
      option,
      `is ${value}: expected at most ${boundOption}, ${bound}`,
    );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
