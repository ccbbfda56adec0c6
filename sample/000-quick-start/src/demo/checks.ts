/** What must happen in the scenario: the run fails if it did not. */
import type { DependencySnapshot } from 'nestjs-dace';
import type { Health } from './health.js';
import type { Observations } from './observations.js';

export interface Evidence {
  readonly snapshots: readonly DependencySnapshot[];
  readonly observations: Observations;
  /** Operations of catalog while one of its hosts was dead. */
  readonly whileDead: {
    readonly succeeded: number;
    readonly failed: number;
    readonly refused: number;
  };
  readonly health: {
    readonly before: Health;
    readonly during: Health | undefined;
    readonly after: Health;
  };
}

export interface Check {
  readonly what: string;
  readonly isMet: boolean;
}

export function checks(evidence: Evidence): Check[] {
  const { snapshots, observations, whileDead, health } = evidence;
  const { succeeded, failed, refused } = whileDead;
  const catalog = observations.of('catalog');
  const payments = observations.of('payments');
  const reports = observations.of('reports');
  const now = new Map(snapshots.map((each) => [each.id, each]));
  return [
    {
      what: 'every dependency answered',
      isMet: snapshots.every(({ totals }) => totals.succeeded > 0),
    },
    {
      what: `catalog answered while a host was dead (${succeeded} of ${succeeded + failed + refused})`,
      isMet: succeeded > 0 && succeeded >= 9 * (failed + refused),
    },
    {
      what: `the dead host went out (${catalog.hostsOut}) and came back (${catalog.hostsBack})`,
      isMet:
        catalog.hostsOut > 0 &&
        catalog.hostsBack > 0 &&
        now.get('catalog')!.hosts.every(({ inService }) => inService),
    },
    {
      what: `the circuit of payments opened (${payments.opened}) and refused calls (${now.get('payments')!.totals.refused})`,
      isMet: payments.opened > 0 && now.get('payments')!.totals.refused > 0,
    },
    {
      what: `it closed again (${payments.closed})`,
      isMet: payments.closed > 0 && now.get('payments')!.state === 'closed',
    },
    {
      what: `reports timed out (${reports.timedOut}) and fell back (${now.get('reports')!.totals.fallbacks})`,
      isMet: reports.timedOut > 0 && now.get('reports')!.totals.fallbacks > 0,
    },
    {
      what: '/health was 200, 503 while payments was open, and 200 again',
      isMet:
        health.before.httpStatus === 200 &&
        health.during?.httpStatus === 503 &&
        health.after.httpStatus === 200,
    },
  ];
}
