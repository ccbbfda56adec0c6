/**
 * What options come to: laid over one another, and what of them does not go together. By a reading
 * of the documentation that shares nothing with lib.
 */
import { below, isPlain } from './option-grammar.js';

/** Options that hold options, which are merged by name. */
const MERGED = new Set([
  'retry',
  'retry.backoff',
  'retry.budget',
  'circuit',
  'circuit.resetBackoff',
  'circuit.openOnRetryAfter',
  'rateLimit',
  'http',
  'http.headers',
  'propagateDeadline',
]);

/** Options that `true` switches on, over whatever was said of them. */
const SWITCHED_ON = new Set(['propagateDeadline']);

/** `over` laid over `under`, both right, as the documentation of `configure` has it. */
export function laidOver(under: unknown, over: unknown, path = ''): unknown {
  if (over === undefined) return under;
  if (over === true && SWITCHED_ON.has(path) && isPlain(under)) return under;
  if (!isPlain(under) || !isPlain(over)) return over;
  const laid: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(under), ...Object.keys(over)])) {
    const inside = below(path, name);
    laid[name] =
      over[name] === undefined
        ? under[name]
        : MERGED.has(inside)
          ? laidOver(under[name], over[name], inside)
          : over[name];
  }
  return laid;
}

/** What each is right and does not go together; parts at the paths of `wrong` are not looked at. */
export function clashes(
  options: unknown,
  wrong: readonly string[] = [],
): string[] {
  const at = (...path: string[]): unknown => {
    if (isAmong(path.join('.'), wrong)) return undefined;
    let value = options;
    for (const name of path) value = isPlain(value) ? value[name] : undefined;
    return value;
  };
  const found: string[] = [];
  const atMost = (least: string, most: string): void => {
    const [low, high] = [at(...least.split('.')), at(...most.split('.'))];
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      found.push(least);
  };
  atMost('attemptTimeoutMs', 'timeoutMs');
  atMost('retry.backoff.delayMs', 'retry.backoff.maxDelayMs');
  const [leaseMs, attemptMs] = [
    at('circuit', 'leaseMs'),
    at('attemptTimeoutMs'),
  ];
  if (
    typeof leaseMs === 'number' &&
    typeof attemptMs === 'number' &&
    leaseMs < attemptMs
  )
    found.push('circuit.leaseMs');
  return found;
}

/** What the whole lacks, or has too much of; parts at the paths of `wrong` are not looked at. */
export function missing(
  options: unknown,
  wrong: readonly string[] = [],
): string[] {
  const needed = [
    'rateLimit.limit',
    'rateLimit.intervalMs',
    'circuit.openOnRetryAfter.maxMs',
  ].filter((path) => {
    const names = path.split('.');
    let value = options;
    for (const name of names) {
      if (!isPlain(value)) return false;
      value = value[name];
    }
    return value === undefined;
  });
  const http = isPlain(options) && isPlain(options['http']) && options['http'];
  const isTwofold =
    http &&
    http['socketPath'] !== undefined &&
    Boolean(http['proxy']) &&
    !isAmong('http.proxy', wrong);
  return isTwofold ? [...needed, 'http.socketPath'] : needed;
}

/** Whether `path` is one of `wrong`, or inside of one. */
export function isAmong(path: string, wrong: readonly string[]): boolean {
  return wrong.some(
    (each) =>
      each === path ||
      each === 'options' ||
      path.startsWith(`${each}.`) ||
      path.startsWith(`${each}[`),
  );
}
