import type { SimulatedSecond, Simulation } from '../../lib/testing/index.js';

/** A simulation as a page that a reviewer can compare line by line. */
export function simulationText(simulation: Simulation): string {
  const { scenario, seed, hosts, totals, latencyMs } = simulation;
  return [
    `${scenario.name}, seed ${seed}`,
    `totals ${JSON.stringify(totals)}`,
    `latencyMs ${JSON.stringify(latencyMs)}`,
    '',
    'transitions',
    ...simulation.transitions.map(({ atMs, type, ...rest }) =>
      [
        atMs,
        type,
        rest.netloc ?? '-',
        rest.tripped ?? '-',
        rest.retryAfterMs ?? '-',
      ].join(' '),
    ),
    '',
    'second state started succeeded failed refused timedOut fallbacks attempts retries | p50 p90 p99 max',
    `  | of ${hosts.join(', ')}: state, in or out, attempts, failures, in flight, waiting`,
    ...simulation.seconds.map(line),
    '',
  ].join('\n');
}

function line(row: SimulatedSecond): string {
  const { latencyMs } = row;
  const counts = [
    row.started,
    row.succeeded,
    row.failed,
    row.refused,
    row.timedOut,
    row.fallbacks,
    row.attempts,
    row.retries,
  ];
  const waits =
    latencyMs === null
      ? '-'
      : [latencyMs.p50, latencyMs.p90, latencyMs.p99, latencyMs.max].join(' ');
  const hosts = row.hosts.map((host) =>
    [
      host.state,
      host.isInService ? 'in' : 'out',
      host.attempts,
      host.failures,
      host.inFlight,
      host.waiting,
    ].join(' '),
  );
  return [
    `${row.second} ${row.state} ${counts.join(' ')}`,
    waits,
    ...hosts,
  ].join(' | ');
}
