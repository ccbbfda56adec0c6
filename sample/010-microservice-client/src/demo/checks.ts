/** What must happen: the run fails if it did not. */
import type { DependencySnapshot } from 'nestjs-dace';
import type { Experience, Outcome, Phase, Question } from './shoppers.js';

export interface Evidence {
  readonly experiences: readonly Experience[];
  readonly attemptsWhileDead: number;
  readonly revivedMs: number;
  /** From when on all must have been as before. */
  readonly wellMs: number;
  readonly opened: number;
  readonly closed: number;
  readonly state: DependencySnapshot['state'];
  /** Reservations that the last process has confirmed, and those that it holds. */
  readonly confirmed: number;
  readonly held: number;
}

export interface Check {
  readonly what: string;
  readonly isMet: boolean;
}

/** A refusal takes less than this; a try takes a connection, a hanging one 500 ms. */
const FAST_MS = 20;

export function checks(evidence: Evidence): Check[] {
  const { experiences, attemptsWhileDead, state, confirmed, held } = evidence;
  const of = (phase: Phase, question: Question): readonly Experience[] =>
    experiences.filter(
      (one) => one.phase === phase && one.question === question,
    );
  const alive = experiences.filter(({ phase }) => phase === 'alive');
  const stocks = of('dead', 'stock');
  const reserves = of('dead', 'reserve');
  const refused = reserves.filter(({ outcome }) => outcome === 'refused');
  const refusalMs = medianMs(refused);
  const asked = stocks.length + reserves.length;
  const recoveryMs = recoveryOf(evidence);
  const unsure = count(of('back', 'reserve'), 'failed');
  const last = experiences.filter(({ atMs }) => atMs >= evidence.wellMs);
  return [
    {
      what: `alive, it answered all but those it was killed under (${count(alive, 'answered')} of ${alive.length})`,
      isMet: alive.length > 0 && count(alive, 'answered') >= alive.length - 2,
    },
    {
      what: `dead, the stock was told by its fallback (${count(stocks, 'fallback')} of ${stocks.length}), never an error`,
      isMet:
        count(stocks, 'fallback') > stocks.length / 2 &&
        count(stocks, 'failed') === 0,
    },
    {
      what: `dead, reservations were refused (${refused.length} of ${reserves.length}), half of them within ${refusalMs.toFixed(2)} ms`,
      isMet: refused.length > reserves.length / 2 && refusalMs < FAST_MS,
    },
    {
      what: `dead, it was left in peace (${attemptsWhileDead} tries for ${asked} calls)`,
      isMet: attemptsWhileDead > 0 && attemptsWhileDead < asked / 2,
    },
    {
      what: `back, it was asked again after ${recoveryMs?.toFixed(0) ?? '∞'} ms`,
      isMet: recoveryMs !== undefined && recoveryMs < 1_500,
    },
    {
      what: `back, it answers all (${count(last, 'answered')} of ${last.length} at the end)`,
      isMet: last.length > 0 && count(last, 'answered') === last.length,
    },
    {
      what: `the circuit opened (${evidence.opened}) and closed (${evidence.closed}): ${state}`,
      isMet: evidence.opened > 0 && evidence.closed > 0 && state === 'closed',
    },
    {
      what: `nothing was reserved twice (${held} held, ${confirmed} confirmed, ${unsure} unsure)`,
      isMet: held > 0 && held >= confirmed && held <= confirmed + unsure,
    },
  ];
}

function count(ones: readonly Experience[], wanted: Outcome): number {
  return ones.filter(({ outcome }) => outcome === wanted).length;
}

/** From its return to the first question that it answered. */
function recoveryOf({ experiences, revivedMs }: Evidence): number | undefined {
  const first = experiences.find(
    ({ phase, outcome }) => phase === 'back' && outcome === 'answered',
  );
  return first === undefined ? undefined : first.atMs - revivedMs;
}

function medianMs(ones: readonly Experience[]): number {
  const times = ones.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? NaN;
}
