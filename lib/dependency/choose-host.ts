/**
 * Where an attempt goes: the only host there is, the balancer's pick, or the answer of the user's
 * balancer function.
 */
import type { Host } from '../balancing/host.js';
import type { BalancerFunction } from '../balancing/balancers.js';
import { BalancerFault } from '../balancing/own-balancer.js';
import { DaceConfigurationError, DaceNoHostsError } from '../core/errors.js';
import { catchUp, inStep, steps } from '../core/in-turn.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { circuitOpen } from './refusals.js';
import type { Stages } from './stages.js';

/** The next host, or the error to refuse with. */
export function chooseHost(
  stages: Stages,
  nowMs: number,
  tried: readonly Host[] | undefined,
  mayProbe: boolean,
): Host | Error {
  const { hosts } = stages;
  if (hosts.all.length === 0) return withoutHosts(stages);
  let host: Host | undefined;
  steps.underWay += 1;
  try {
    host = hosts.only ?? hosts.pick(nowMs, tried, mayProbe);
  } catch (error) {
    if (!(error instanceof BalancerFault)) return asError(error);
    const misuse = misanswer(stages, error.message, error.cause);
    // A later attempt ends with the error of the one before, and nobody would hear of it.
    if (tried !== undefined)
      stages.warnOnce('balancer', misuse.message, error.cause);
    return misuse;
  } finally {
    steps.underWay -= 1;
    catchUp();
  }
  if (host !== undefined) return host;
  stages.fleet.feed?.refreshEarly();
  if (hosts.areAllForcedOpen)
    return new DaceNoHostsError({
      dependencyId: stages.id,
      reason: 'all are forced open',
    });
  const out = hosts.all.find((each) => each.circuit?.mode !== 'forced-open');
  return circuitOpen(stages, out, nowMs);
}

function withoutHosts({ id: dependencyId, fleet }: Stages): Host | Error {
  const { feed, nameless } = fleet;
  if (feed === undefined) return nameless;
  feed.refreshEarly();
  const { failure } = feed;
  const reason =
    failure !== undefined
      ? 'their source has failed'
      : feed.hasList
        ? 'their source lists none'
        : 'their source has not answered yet';
  const cause = failure?.error;
  return new DaceNoHostsError({ dependencyId, reason, cause });
}

/** However many tries there are, and whatever is said to be there, the process has other things to do. */
const MOST_ASKED = 100;

/** Asks who is to be asked: the user's function, or for a list that is not there yet. */
export function askForHost(
  stages: Stages,
  tried: readonly Host[] | undefined,
  mayProbe: boolean,
  done: (answer: BalancerAnswer) => void,
): void {
  if (stages.isAnsweredByFunction) return askBalancer(stages, tried, done);
  let left = MOST_ASKED;
  const choose = (): void => {
    if (stages.fleet.isAwaitingHosts && left-- > 0)
      return whenHostsKnown(stages, choose);
    const nowMs = stages.clock.nowMs();
    const host = chooseHost(stages, nowMs, tried, mayProbe);
    if (!(host instanceof Error)) return done({ host });
    done({ host: undefined, error: host, isRefusal: true });
  };
  choose();
}

/** Calls `go` once the list that is asked for is there, or the balancer is made. */
export function whenHostsKnown({ fleet }: Stages, go: () => void): void {
  const { whenReady } = fleet.hosts;
  if (whenReady !== undefined) void whenReady.then(go);
  else fleet.feed?.whenAnswered(go);
}

/** What came of asking the user's balancer function. */
export type BalancerAnswer =
  | { readonly host: Host }
  | {
      readonly host: undefined;
      readonly error: Error;
      /** Every answer is out; else the function failed. */
      readonly isRefusal: boolean;
    };

/** Asks until an answer can be used, at most `attempts` times; `done` is called once. */
function askBalancer(
  stages: Stages,
  tried: readonly Host[] | undefined,
  done: (answer: BalancerAnswer) => void,
): void {
  const ask = stages.settings.loadBalancer as BalancerFunction;
  let left = Math.min(stages.settings.retry.attempts, MOST_ASKED);

  const failed = (error: unknown): void =>
    done({
      host: undefined,
      error: asError(error),
      isRefusal: false,
    });

  const consider = (answer: unknown): void => {
    left -= 1;
    const problem = problemOf(answer);
    if (problem !== undefined) return failed(misanswer(stages, problem));
    const [protocol, netloc] = answer as [string, string];
    const host = stages.fleet.answered(protocol, netloc);
    const nowMs = stages.clock.nowMs();
    const isOut = inStep(() => host.circuit?.isDrawn(nowMs) === false);
    const isSpent = isOut || tried?.includes(host) === true;
    if (isSpent && left > 0) return next();
    if (!isOut) return done({ host });
    done({
      host: undefined,
      error: circuitOpen(stages, host, nowMs),
      isRefusal: true,
    });
  };

  const next = (): void => {
    try {
      const answer = ask();
      if (Array.isArray(answer)) consider(answer);
      else Promise.resolve(answer).then(consider).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  next();
}

/** What the user's balancer threw. */
function asError(error: unknown): Error {
  return isErrorOfAnyRealm(error) ? error : new Error(String(error));
}

function problemOf(answer: unknown): string | undefined {
  const isPair =
    Array.isArray(answer) &&
    answer.length === 2 &&
    (answer[0] === 'http' || answer[0] === 'https') &&
    typeof answer[1] === 'string' &&
    answer[1] !== '';
  return isPair
    ? undefined
    : "expected ['http' | 'https', 'host:port'] from the balancer function";
}

function misanswer(
  stages: Stages,
  problem: string,
  cause?: unknown,
): DaceConfigurationError {
  const option = 'loadBalancer';
  return new DaceConfigurationError({
    dependencyId: stages.id,
    message: `Dependency "${stages.id}", ${option}: ${problem}`,
    cause,
    problems: [{ option, message: problem }],
  });
}
