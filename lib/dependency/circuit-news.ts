/**
 * What is told when a circuit changes, or a host goes out or comes back.
 */
import type { Host } from '../balancing/host.js';
import type { Circuit } from '../circuit/circuit.js';
import { inMicroseconds } from '../core/clock.js';
import type { LastFailure } from '../core/errors.js';
import type { CircuitEvent, DaceEvent } from '../core/events.js';

/** Whose circuits they are. */
interface Teller {
  readonly id: string;
  readonly circuit: Circuit | undefined;
  readonly lastFailure: LastFailure | undefined;
  readonly listeners: { readonly wantsRare: boolean };
  emit(event: DaceEvent): void;
}

/** Changes for the worse, of which people want to know why. */
const OPENINGS: ReadonlySet<CircuitEvent['type']> = new Set([
  'circuit.opened',
  'circuit.would-open',
  'host.out',
]);

/** Tells of the circuit of `host`, or without one of the dependency's. */
export function tellChange(
  teller: Teller,
  type: CircuitEvent['type'],
  host: Host | undefined,
  nowMs: number,
): void {
  if (!teller.listeners.wantsRare) return;
  const circuit = host === undefined ? teller.circuit : host.circuit;
  const retryAfterMs = inMicroseconds(circuit?.look(nowMs).retryAfterMs);
  const reason = OPENINGS.has(type) ? reasonOf(circuit, nowMs) : undefined;
  const { lastFailure } = teller;
  teller.emit({
    type,
    dependencyId: teller.id,
    ...(host !== undefined && { netloc: host.netloc }),
    ...(circuit?.tripped !== undefined && { tripped: circuit.tripped }),
    ...(reason !== undefined && { reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(lastFailure !== undefined && { lastFailure }),
  });
}

/** After a failed recovery the counts are still those of before: told as long as the rule holds. */
function reasonOf(
  circuit: Circuit | undefined,
  nowMs: number,
): string | undefined {
  return circuit?.tripped === undefined ? undefined : circuit.tally.why(nowMs);
}
