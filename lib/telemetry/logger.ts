/**
 * What an operator reads at 3 a.m.: one line when a circuit opens and one when it closes, and at
 * most one per ten seconds about failed or refused calls, with a count. Only names, codes and
 * messages of errors are told, never what they carry.
 */
import type { Clock } from '../core/clock.js';
import { isDaceError } from '../core/errors.js';
import type {
  CircuitEvent,
  DaceEvent,
  DaceListener,
  HostsEvent,
} from '../core/events.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import type { DaceLogger } from '../core/logger.js';
import { partOf } from '../core/part-of.js';

const QUIET_MS = 10_000;
/** Characters told of an error. */
const LONGEST = 500;

/** A listener that writes the log of one dependency. */
export function createLogListener(
  id: string,
  logger: DaceLogger,
  clock: Clock,
): DaceListener {
  const failed = new Occasional(clock);
  const refused = new Occasional(clock);
  return (event) => {
    switch (event.type) {
      case 'circuit.opened':
        return logger.warn(opened(id, event));
      case 'circuit.would-open':
        return logger.warn(
          `${subject(id, event.netloc)} would be opened by ${ruleOf(event)}; metrics only`,
        );
      case 'circuit.closed':
        return logger.log(`${subject(id, event.netloc)} is closed again`);
      case 'circuit.half-opened':
        return logger.debug?.(
          `${subject(id, event.netloc)} is half-open: probing`,
        );
      case 'operation.failed':
        return failed.say((more) =>
          logger.warn(
            `Call to "${id}" failed: ${describe(event.error)}${more}`,
          ),
        );
      case 'operation.refused':
        return refused.say((more) =>
          logger.debug?.(
            `Call to "${id}" refused: ${describe(event.error)}${more}`,
          ),
        );
      case 'hosts.changed':
        return logger.debug?.(relisted(id, event));
      case 'warning':
        return logger.warn(
          event.error === undefined
            ? `"${id}": ${event.message}`
            : `"${id}": ${event.message} (${describe(event.error)})`,
        );
      default:
    }
  };
}

/** Speaks at once, then at most once per ten seconds, and says how often it held its tongue. */
class Occasional {
  private quietUntilMs = -Infinity;
  private held = 0;

  constructor(private readonly clock: Clock) {}

  /** Gives what `write` gave: the promise of an async logger belongs to whoever emits. */
  say(write: (more: string) => void): void {
    const nowMs = this.clock.nowMs();
    if (nowMs < this.quietUntilMs) {
      this.held += 1;
      return;
    }
    const more = this.held === 0 ? '' : ` (and ${this.held} more before it)`;
    this.held = 0;
    this.quietUntilMs = nowMs + QUIET_MS;
    return write(more);
  }
}

/** `failureRatio (0.62 of 34 calls failed, ≥ 0.5)` */
function ruleOf({ tripped, reason }: CircuitEvent): string {
  if (tripped === undefined) return 'an operator';
  return oneLine(reason === undefined ? tripped : `${tripped} (${reason})`);
}

function opened(id: string, event: CircuitEvent): string {
  const { netloc, retryAfterMs, lastFailure } = event;
  const next =
    retryAfterMs === undefined
      ? ''
      : `; next probe in ${Math.ceil(retryAfterMs)} ms`;
  const last = lastFailure === undefined ? '' : `; last: ${lastFailure.name}`;
  return `${subject(id, netloc)} opened by ${ruleOf(event)}${next}${last}`;
}

function relisted(
  id: string,
  { added = [], removed = [] }: Extract<DaceEvent, HostsEvent>,
): string {
  const changes = [
    ...added.map((netloc) => `+${netloc}`),
    ...removed.map((netloc) => `-${netloc}`),
  ];
  const text = changes.length === 0 ? 'other weights' : changes.join(' ');
  return oneLine(`Hosts of "${id}" changed: ${text}`);
}

function subject(id: string, netloc: string | undefined): string {
  return netloc === undefined
    ? `Circuit of "${id}"`
    : `Circuit of "${id}" (${netloc})`;
}

function describe(error: unknown): string {
  if (!isErrorOfAnyRealm(error)) return typeof error;
  const code = partOf(error, 'code');
  const hasCode = typeof code === 'string' && !isDaceError(error);
  const name = `${String(partOf(error, 'name'))}${hasCode ? ` ${code}` : ''}`;
  return oneLine(`${name}: ${String(partOf(error, 'message'))}`);
}

/** What a dependency answers may be in a message, and must not look like lines of the log. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}
