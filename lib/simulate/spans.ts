/**
 * Who was open when: the transitions of a simulation as spans of time.
 */
import type {
  SimulatedState,
  SimulatedTransition,
  Simulation,
} from '../simulation/contract.js';

export interface StateSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: SimulatedState;
}

export interface StateRow {
  readonly name: string;
  readonly isHost: boolean;
  readonly spans: readonly StateSpan[];
  /** When it would have opened, had it not only been measured. */
  readonly wouldOpenMs: readonly number[];
}

const STATE_AFTER: Readonly<
  Record<SimulatedTransition['type'], SimulatedState | undefined>
> = {
  'circuit.opened': 'open',
  'circuit.half-opened': 'half-open',
  'circuit.closed': 'closed',
  'circuit.would-open': undefined,
  // A host is out from its circuit's opening to its closing: these say the same again.
  'host.out': undefined,
  'host.back': undefined,
};

/** The dependency's circuit, then the hosts where there are circuits of their own. */
export function stateRows(simulation: Simulation): StateRow[] {
  const { hosts, scenario, seconds } = simulation;
  const endMs = seconds.length * 1_000;
  const isNamed = hosts.length > 1;
  const initial = seconds[0]?.state;
  const from = initial === 'disabled' || initial === 'metrics-only';
  const start: SimulatedState = from ? initial : 'closed';
  const row = (name: string, netloc: string | undefined): StateRow => {
    const own = simulation.transitions.filter((t) => t.netloc === netloc);
    return {
      name,
      isHost: netloc !== undefined,
      spans: spansOf(own, start, endMs),
      wouldOpenMs: own
        .filter(({ type }) => type === 'circuit.would-open')
        .map(({ atMs }) => atMs),
    };
  };
  if (scenario.options?.circuit === false) return [];
  return [
    row('circuit', undefined),
    ...(isNamed ? hosts.map((netloc) => row(netloc, netloc)) : []),
  ];
}

function spansOf(
  transitions: readonly SimulatedTransition[],
  initial: SimulatedState,
  endMs: number,
): StateSpan[] {
  const spans: StateSpan[] = [];
  let state = initial;
  let fromMs = 0;
  for (const { type, atMs } of transitions) {
    const next = STATE_AFTER[type];
    if (next === undefined || next === state) continue;
    if (atMs > fromMs) spans.push({ fromMs, toMs: atMs, state });
    state = next;
    fromMs = atMs;
  }
  return [...spans, { fromMs, toMs: endMs, state }];
}
