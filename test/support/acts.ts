/**
 * What code of a user's may do to a dependency in the middle of one of its steps.
 */
import {
  consecutiveFailures,
  failureRatio,
  outlier,
  ramp,
  type Call,
  type CircuitMode,
  type Dependency,
  type DependencyOptions,
  type Permit,
} from '../../lib/core.js';
import { answer } from '../../lib/dependency/attempt.js';

export const HOSTS = ['http://a', 'http://b', 'http://c'];
export const FRAGILE = { trip: consecutiveFailures(2), resetTimeoutMs: 3 };

/** What somebody in the middle of a call may do to its dependency. */
export interface Life {
  readonly dependency: Dependency;
  readonly callers: AbortController[];
  readonly permits: Permit[];
  /** Those whom a framework's client may still leave, and attempts that began. */
  readonly cancels: ((reason: unknown) => void)[];
  readonly attempts: Call[];
  call(): void;
  /** Closes it once more, where it has been closed. */
  closeAgain(): void;
  act(): void;
}

const configured =
  (changes: DependencyOptions) =>
  ({ dependency }: Life): void =>
    dependency.configure(changes);
const controlled =
  (mode: CircuitMode, netloc?: string) =>
  ({ dependency }: Life): void =>
    dependency.control(mode, netloc);

export const ACTS: readonly ((life: Life) => void)[] = [
  configured({ circuit: false }),
  configured({ circuit: FRAGILE }),
  configured({ hosts: HOSTS.slice(0, 1) }),
  configured({ hosts: HOSTS.slice(1) }),
  configured({ hosts: HOSTS }),
  // A source that tells while it is being listened to, and answers when it is asked.
  ({ dependency, act }) =>
    dependency.configure({
      hosts: {
        refreshMs: 5,
        hosts: async () => {
          act();
          return Promise.resolve(HOSTS.slice(0, 2));
        },
        watch: (tell) => {
          tell(HOSTS.slice(2));
          act();
          return act;
        },
      },
    }),
  // A rule of the user's own.
  ({ dependency, act }) =>
    dependency.configure({
      circuit: {
        ...FRAGILE,
        trip: {
          name: 'own',
          windowMs: 10_000,
          trips: ({ failures }) => {
            act();
            return failures > 1;
          },
          describe: () => {
            act();
            return 'too many';
          },
        },
      },
    }),
  // Each host is asked for its own last calls; a slow one is compared with its peers.
  ({ dependency, act }) =>
    dependency.configure({
      circuit: {
        ...FRAGILE,
        resetBackoff: { factor: 2, jitter: 1 },
        trip: [
          outlier({ minimumCalls: 2, deviations: 1 }),
          failureRatio({ ratio: 0.5, minimumCalls: 2, windowCalls: 3 }),
          {
            name: 'last',
            windowCalls: 2,
            trips: ({ failures }) => {
              act();
              return failures > 1;
            },
          },
        ],
      },
    }),
  ({ dependency, act }) => {
    let turn = 0;
    dependency.configure({
      enabled: () => {
        act();
        return turn++ % 3 > 0;
      },
    });
  },
  configured({ enabled: true }),
  configured({
    circuit: { ...FRAGILE, recovery: ramp({ recoveryMs: 4, graceMs: 2 }) },
  }),
  ({ dependency, act }) => {
    let turn = 0;
    dependency.configure({
      loadBalancer: () => {
        act();
        return ['http', ['a:80', 'b:80', 'd:80'][turn++ % 3]!];
      },
    });
  },
  ({ dependency, act }) =>
    dependency.configure({
      loadBalancer: {
        pick: (hosts) => {
          act();
          return hosts.at(-1)!;
        },
      },
    }),
  configured({ maxOpenPerNetloc: 1, maxQueuedPerNetloc: 2 }),
  configured({ maxOpenPerNetloc: 5 }),
  configured({ retry: { attempts: 4, on: 'any' } }),
  configured({ retry: { attempts: 3, backoff: { delayMs: 2 } } }),
  configured({ rateLimit: { limit: 3, intervalMs: 5 } }),
  configured({ rateLimit: false }),
  controlled('forced-open'),
  controlled('disabled'),
  controlled('metrics-only'),
  controlled('auto'),
  controlled('forced-open', 'a'),
  controlled('auto', 'a'),
  (life) => life.call(),
  ({ callers }) => callers.shift()?.abort('left'),
  ({ callers }) => callers.pop()?.abort('left'),
  ({ dependency, permits }) => {
    try {
      permits.push(dependency.acquire());
    } catch {
      // Refused.
    }
  },
  ({ permits }) => permits.shift()?.failure(),
  ({ permits }) => permits.shift()?.success(),
  ({ dependency }) => void dependency.snapshot(),
  // A probe that nobody ends: its lease hangs.
  ({ dependency, permits }) => {
    try {
      permits.unshift(dependency.acquire({ netloc: 'a' }));
    } catch {
      // Refused.
    }
  },
  ({ cancels }) => cancels.shift()?.('gone'),
  ({ cancels }) => cancels.pop()?.('gone'),
  ({ attempts }) => {
    const attempt = attempts.pop();
    if (attempt !== undefined) answer(attempt, 'early');
  },
  ({ closeAgain }) => closeAgain(),
  ({ dependency, act }) => {
    const off = dependency.on(() => {
      off();
      act();
    });
  },
];
