import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  DaceShutdownError,
  type Call,
  type DependencyOptions,
  type HostSource,
} from '../../lib/core.js';
import {
  after,
  errorOf,
  expectRest,
  fail,
  hang,
  refusedConnection,
  subject,
  throwing,
  unhandledDuring,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

type Begin = (rig: Subject) => Promise<unknown>;

/** Where a call may be when its dependency is closed. */
const PLACES: readonly (readonly [
  name: string,
  options: DependencyOptions,
  begin: Begin,
  prepare?: (rig: Subject) => Promise<void>,
])[] = [
  [
    'waits for the first list of hosts',
    { hosts: { hosts: hang } },
    ({ dependency }) => dependency.execute(() => 'never'),
  ],
  [
    'asks a balancer',
    { loadBalancer: hang },
    ({ dependency }) => dependency.execute(() => 'never'),
  ],
  [
    'queues',
    { maxOpenPerNetloc: 1 },
    ({ dependency }) => {
      dependency.acquire();
      return dependency.execute(() => 'never');
    },
  ],
  [
    'has just been given its place',
    { maxOpenPerNetloc: 1 },
    ({ dependency }) => {
      const permit = dependency.acquire();
      const call = dependency.execute(() => 'never');
      permit.ignore();
      return call;
    },
  ],
  [
    'runs',
    { shutdownGraceMs: 10 },
    ({ dependency }) => dependency.execute(hang),
  ],
  [
    'runs without a deadline',
    { shutdownGraceMs: 10, timeoutMs: false },
    ({ dependency }) => dependency.execute(hang),
  ],
  [
    'probes',
    {
      shutdownGraceMs: 10,
      circuit: { trip: consecutiveFailures(1), resetTimeoutMs: 5 },
    },
    ({ dependency }) => dependency.execute(hang),
    async ({ clock, dependency }) => {
      await fail(dependency, 1);
      await clock.advance(5);
    },
  ],
  [
    'sleeps before its second try',
    { retry: { backoff: { delayMs: 100 } } },
    ({ dependency }) => dependency.execute(throwing(refusedConnection)),
  ],
  [
    'is to try again at once',
    { timeoutMs: 100_000 },
    ({ dependency }) => {
      let tries = 0;
      return dependency.execute(() => {
        tries += 1;
        if (tries === 1) throw refusedConnection();
        return hang();
      });
    },
  ],
  [
    'has its fallback thinking',
    {},
    ({ clock, dependency }) =>
      dependency.execute(throwing(), {
        fallback: () => after(clock, 20, () => 'thought'),
      }),
  ],
];

const ROWS = PLACES.map(([name, options, begin, prepare]) => ({
  name,
  options,
  begin,
  prepare,
}));

describe.each(ROWS)(
  'Closing while a call $name',
  ({ options, begin, prepare }) => {
    it.each([0, 1, 3])(
      'ends it, and leaves nothing (%i ms into it)',
      async (waitMs) => {
        const rig = subject(options);
        await prepare?.(rig);
        const seen = await unhandledDuring(async () => {
          const call = watch(begin(rig));
          if (waitMs > 0) await rig.clock.advance(waitMs);
          const closings = [rig.dependency.close(), rig.dependency.close()].map(
            watch,
          );
          await rig.clock.advance(6_000);

          expect(call.state).not.toBe('pending');
          if (call.state === 'rejected')
            expect(
              call.error instanceof DaceShutdownError ||
                call.error.code === 'ECONNREFUSED',
            ).toBe(true);
          for (const closing of closings)
            expect(closing.state).toBe('fulfilled');
        });

        expect(seen).toEqual([]);
        const { dependency, clock } = rig;
        expect(clock.pending).toBe(0);
        const { inFlight, queued, totals } = dependency.snapshot();
        expect(queued).toBe(0);
        // A guard that nobody gave back is still out.
        expect(inFlight).toBe(
          totals.started -
            totals.succeeded -
            totals.failed -
            totals.refused -
            totals.cancelled,
        );
      },
    );
  },
);

describe('A dependency that closes itself', () => {
  it.each<[string, (rig: Subject) => Promise<unknown>]>([
    [
      'from its work',
      ({ dependency }) =>
        dependency.execute(async () => {
          await dependency.close();
          return 'closed';
        }),
    ],
    [
      'from a listener',
      ({ dependency }) => {
        dependency.on(() => void dependency.close());
        return dependency.execute(() => 'closed');
      },
    ],
    [
      'from classify',
      ({ dependency }) =>
        dependency.execute(throwing(), {
          classify: () => void dependency.close(),
        }),
    ],
    [
      'from a fallback',
      ({ dependency }) =>
        dependency.execute(throwing(), { fallback: () => dependency.close() }),
    ],
  ])('%s comes to an end', async (_, begin) => {
    const rig = subject();
    const seen = await unhandledDuring(async () => {
      const call = watch(begin(rig));
      await rig.clock.advance(6_000);
      expect(call.state).not.toBe('pending');
    });
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(0);

    expect(seen).toEqual([]);
    expect(closing.state).toBe('fulfilled');
    expectRest(rig);
  });
});

describe('A closed dependency', () => {
  const closed = async (options: DependencyOptions = {}) => {
    const rig = subject(options);
    await rig.dependency.close();
    return rig;
  };

  it('refuses every way of calling it, and nothing else', async () => {
    const rig = await closed({ hosts: ['http://127.0.0.1:9'] });
    const { dependency } = rig;
    const wrapped = dependency.wrap(() => 'never');

    for (const call of [
      dependency.execute(() => 'never'),
      dependency.execute(() => 'never', { netloc: 'peer' }),
      wrapped(),
      dependency.http.get('/'),
    ])
      expect(await errorOf(call)).toBeInstanceOf(DaceShutdownError);
    expect(() => dependency.acquire()).toThrow(DaceShutdownError);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 5,
      refused: 5,
      attempts: 0,
    });
    dependency.control('forced-open');
    dependency.on(() => {})();
    expectRest(rig);
  });

  it('is refused though it is switched off', async () => {
    const { dependency } = await closed({ enabled: false });

    expect(await errorOf(dependency.execute(() => 'never'))).toBeInstanceOf(
      DaceShutdownError,
    );
    expect(() => dependency.acquire()).toThrow(DaceShutdownError);
  });

  it('takes changes without acting on them, and still tells wrong ones', async () => {
    let asked = 0;
    const source: HostSource = {
      hosts: () => {
        asked += 1;
        return Promise.resolve(['http://b']);
      },
      watch: () => {
        asked += 1;
        return () => {};
      },
    };
    const rig = await closed({ hosts: ['http://a'] });
    rig.dependency.configure({ hosts: source, http: { poolSize: 2 } });
    await rig.clock.advance(60_000);

    expect(asked).toBe(0);
    expect(rig.dependency.snapshot().hosts[0]!.netloc).toBe('a:80');
    expect(() => rig.dependency.configure({ timeoutMs: -1 })).toThrow(
      'timeoutMs',
    );
    expectRest(rig);
  });

  it('has no connection for work that goes on all the same', async () => {
    const rig = subject({ hosts: ['http://127.0.0.1:9'], shutdownGraceMs: 0 });
    let kept: Call | undefined;
    const running = watch(
      rig.dependency.execute((call) => {
        kept = call;
        return hang();
      }),
    );
    const closing = rig.dependency.close();
    await rig.clock.advance(0);
    await closing;

    expect(running.error).toBeInstanceOf(DaceShutdownError);
    expect(await errorOf(kept!.http.get('/late'))).toBeInstanceOf(Error);
    expect(
      await errorOf(kept!.agent.request({ path: '/', method: 'GET' })),
    ).toBeInstanceOf(Error);
    expect(rig.clock.pending).toBe(0);
  });
});
