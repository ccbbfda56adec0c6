import { describe, expect, it } from 'vitest';
import {
  createDependency,
  firstFailure,
  type Counts,
  type DaceEvent,
  type DaceEventType,
  type DaceLogger,
  type DependencyEnvironment,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  errorOf,
  eventsOf,
  expectRest,
  hang,
  refusedConnection,
  subject,
  throwing,
  unhandledDuring,
  watch,
  type Subject,
  type Watched,
} from '../support/core-toolkit.js';

const fault = (): never => {
  throw new Error('a bystander’s fault');
};

/** One of everything that can happen to a call, and how each ended. */
async function story(
  options: DependencyOptions,
  environment: Omit<DependencyEnvironment, 'clock'>,
): Promise<unknown[]> {
  const clock = new ManualClock();
  const dependency = createDependency(
    'payments',
    {
      timeoutMs: 100,
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
      retry: { backoff: { delayMs: 1 } },
      ...options,
    },
    { random: () => 0.5, ...environment, clock },
  );
  const told: unknown[] = [];
  const tell = async (call: Promise<unknown>): Promise<void> => {
    const watched = watch(call);
    await clock.advance(200);
    told.push([watched.state, watched.value, watched.error?.message]);
  };
  const caller = new AbortController();
  await tell(dependency.execute(() => 'ok'));
  const cancelled = dependency.execute(hang, { signal: caller.signal });
  caller.abort(new Error('gone'));
  await tell(cancelled);
  await tell(dependency.execute(throwing(refusedConnection)));
  await tell(dependency.execute(() => 'refused'));
  await tell(dependency.execute(() => 'refused', { fallback: 'instead' }));
  await clock.advance(1_000);
  await tell(dependency.execute(hang));
  await clock.advance(1_000);
  await tell(dependency.execute(() => 'probe'));
  dependency.control('metrics-only');
  await tell(dependency.execute(throwing()));
  dependency.control('auto');
  const permit = dependency.acquire();
  permit.failure();
  const { totals } = dependency.snapshot();
  await dependency.close();
  await tell(dependency.execute(() => 'late'));
  return [told, totals];
}

const LOUD: DaceLogger = {
  log: fault,
  warn: fault,
  error: fault,
  debug: fault,
};
const TERSE: DaceLogger = { log() {}, warn() {}, error() {} };

describe('A call is not changed by', () => {
  it.each([
    ['a listener that throws', { onEvent: fault }],
    [
      'a listener that rejects',
      { onEvent: () => Promise.reject(new Error('late fault')) },
    ],
    ['a logger that throws', { logger: LOUD }],
    ['a logger without debug', { logger: TERSE }],
    ['both', { onEvent: fault, logger: LOUD }],
  ] as [string, Omit<DependencyEnvironment, 'clock'>][])(
    '%s',
    async (_name, environment) => {
      const silent = await story({}, {});
      const unhandled = await unhandledDuring(async () => {
        expect(await story({}, environment)).toEqual(silent);
      });
      expect(unhandled).toEqual([]);
    },
  );

  it.each([
    ['enabled that throws', { enabled: fault }],
    ['a classify that throws', { classify: fault }],
    [
      'a retry.on that throws',
      { retry: { on: fault, backoff: { delayMs: 1 } } },
    ],
    [
      'a trip rule that throws',
      { circuit: { trip: [fault, firstFailure()], resetTimeoutMs: 1_000 } },
    ],
  ] as [string, DependencyOptions][])('%s', async (_name, options) => {
    expect(await story(options, {})).toEqual(await story({}, {}));
  });

  it('a listener that throws, with others still hearing', async () => {
    const { dependency } = subject();
    dependency.on(fault);
    const events = eventsOf(dependency);
    await dependency.execute(() => 'ok');
    expect(events.map((event) => event.type)).toEqual([
      'operation.started',
      'attempt.started',
      'attempt.ended',
      'operation.succeeded',
    ]);
  });

  it('a listener that has gone', async () => {
    const { dependency } = subject();
    const heard: DaceEvent[] = [];
    const leave = dependency.on((event) => {
      heard.push(event);
    });
    await dependency.execute(() => 'ok');
    const count = heard.length;
    leave();
    leave();
    await dependency.execute(() => 'ok');
    expect(heard).toHaveLength(count);
  });

  it('a listener that leaves while it is told', async () => {
    const { dependency } = subject();
    const heard: string[] = [];
    const leave = dependency.on((event) => {
      heard.push(event.type);
      leave();
    });
    const others = eventsOf(dependency);
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(heard).toEqual(['operation.started']);
    expect(others).toHaveLength(4);
  });

  it('a listener that calls the dependency itself', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure() },
    });
    const inner: unknown[] = [];
    dependency.on((event) => {
      if (event.type !== 'circuit.opened') return;
      dependency.snapshot();
      dependency
        .execute(() => 'inner')
        .then(
          (value) => inner.push(value),
          (error) => inner.push(error.code),
        );
    });
    const error = await errorOf(dependency.execute(throwing()));
    await clock.advance(0);
    expect(error.message).toBe('boom');
    expect(inner).toEqual(['DACE_CIRCUIT_OPEN']);
    expectRest({ clock, dependency });
  });

  it('a listener that closes the dependency in the middle of it', async () => {
    const { clock, dependency } = subject();
    dependency.on((event) => {
      if (event.type === 'attempt.started') void dependency.close();
    });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(await errorOf(dependency.execute(() => 'ok'))).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
    await clock.advance(0);
    expectRest({ clock, dependency });
  });

  it('a listener that aborts the caller when the operation starts', async () => {
    const caller = new AbortController();
    const { clock, dependency } = subject();
    let ran = false;
    dependency.on((event) => {
      if (event.type === 'operation.started') caller.abort('at once');
    });
    const error = await errorOf(
      dependency.execute(
        () => {
          ran = true;
        },
        { signal: caller.signal },
      ),
    );
    expect(error).toBe('at once');
    expect(ran).toBe(false);
    expectRest({ clock, dependency });
  });

  it('a listener that aborts the caller when the attempt starts', async () => {
    const caller = new AbortController();
    const { clock, dependency } = subject({ abandonAfterMs: 0 });
    let ran = false;
    dependency.on((event) => {
      if (event.type === 'attempt.started') caller.abort('early');
    });
    const error = await errorOf(
      dependency.execute(
        () => {
          ran = true;
        },
        { signal: caller.signal },
      ),
    );
    expect(error).toBe('early');
    expect(ran).toBe(false);
    await clock.advance(1);
    expectRest({ clock, dependency });
  });

  it('a listener that aborts the caller when a retry is scheduled', async () => {
    const caller = new AbortController();
    const { clock, dependency } = subject();
    let attempts = 0;
    dependency.on((event) => {
      if (event.type === 'retry.scheduled') caller.abort('no more');
    });
    const error = await errorOf(
      dependency.execute(
        () => {
          attempts += 1;
          throw refusedConnection();
        },
        { signal: caller.signal },
      ),
    );
    await clock.advance(10);
    expect(error).toBe('no more');
    expect(attempts).toBe(1);
    expectRest({ clock, dependency });
  });

  it('a listener that aborts the caller when the attempt ends', async () => {
    const caller = new AbortController();
    const { clock, dependency } = subject();
    dependency.on((event) => {
      if (event.type === 'attempt.ended') caller.abort('at the end');
    });
    const call = watch(
      dependency.execute(() => 'ok', { signal: caller.signal }),
    );
    await clock.advance(1);
    expect(call.state).not.toBe('pending');
    expectRest({ clock, dependency });
  });
});

const EVENTS: readonly DaceEventType[] = [
  'operation.started',
  'attempt.started',
  'attempt.ended',
  'retry.scheduled',
  'circuit.opened',
  'circuit.half-opened',
  'circuit.closed',
  'host.out',
  'host.back',
  'warning',
  'fallback.used',
];
/** Functions of the user's that run in the middle of a call. */
const QUESTIONS = ['classify', 'retry.on', 'pick', 'trip', 'backoff'] as const;

/** Many calls through everything, `meddle` once at the chosen moment. */
async function meddled(
  moment: string,
  options: DependencyOptions,
  meddle: (rig: Subject, caller: AbortController) => void,
): Promise<{ readonly rig: Subject; readonly outcomes: Watched<unknown>[] }> {
  let isDone = false;
  const caller = new AbortController();
  const happen = (name: string): void => {
    if (isDone || name !== moment) return;
    isDone = true;
    meddle(rig, caller);
  };
  const rig = subject(
    {
      timeoutMs: 100,
      abandonAfterMs: 10,
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 1,
      classify: () => {
        happen('classify');
        return undefined;
      },
      retry: {
        on: (outcome) => (happen('retry.on'), outcome instanceof Error),
        backoff: { delayMs: 5 },
      },
      loadBalancer: { pick: (hosts) => (happen('pick'), hosts[0]!) },
      circuit: {
        trip: (counts) => (happen('trip'), counts.consecutiveFailures >= 2),
        resetTimeoutMs: 50,
      },
      ...options,
    },
    { random: () => (happen('backoff'), 0.5) },
  );
  const { clock, dependency } = rig;
  dependency.on((event) => happen(event.type));
  const outcomes: Watched<unknown>[] = [];
  for (let n = 0; n < 60; n++) {
    const isBad = n % 20 < 12;
    const call = dependency.execute(
      () =>
        after(clock, 3, () => {
          if (isBad) throw refusedConnection();
          return n;
        }),
      {
        ...(n % 2 === 0 && { signal: caller.signal }),
        ...(n % 3 === 0 && { fallback: () => 'instead' }),
      },
    );
    outcomes.push(watch(call));
    await clock.advance(n % 2 === 0 ? 0 : 7);
  }
  await clock.advance(10_000);
  return { rig, outcomes };
}

describe.each([
  ['without hosts', {}],
  ['with hosts', { hosts: ['http://a', 'http://b', 'http://c'] }],
] as [string, DependencyOptions][])(
  'The books are right, %s,',
  (_kind, options) => {
    it.each([...EVENTS, ...QUESTIONS])(
      'when the caller is gone in the middle of %s',
      async (moment) => {
        const { rig: subjectNow, outcomes } = await meddled(
          moment,
          options,
          (_rig, caller) => caller.abort('gone'),
        );
        expect(outcomes.filter(({ state }) => state === 'pending')).toEqual([]);
        expectRest(subjectNow);
        const next = watch(subjectNow.dependency.execute(() => 'ok'));
        await subjectNow.clock.advance(100);
        expect(next.value).toBe('ok');
      },
    );

    it.each([...EVENTS, ...QUESTIONS])(
      'when the dependency is closed in the middle of %s',
      async (moment) => {
        const { rig: subjectNow, outcomes } = await meddled(
          moment,
          options,
          ({ dependency }) => void dependency.close(),
        );
        expect(outcomes.filter(({ state }) => state === 'pending')).toEqual([]);
        expectRest(subjectNow);
      },
    );

    it.each([...EVENTS, ...QUESTIONS])(
      'when an operator turns it off and on in the middle of %s',
      async (moment) => {
        const { rig: subjectNow, outcomes } = await meddled(
          moment,
          options,
          ({ dependency }) => {
            dependency.control('forced-open');
            dependency.control('auto');
          },
        );
        expect(outcomes.filter(({ state }) => state === 'pending')).toEqual([]);
        expectRest(subjectNow);
        const next = watch(subjectNow.dependency.execute(() => 'ok'));
        await subjectNow.clock.advance(100);
        expect(next.value).toBe('ok');
      },
    );
  },
);

describe('What throws beside a call', () => {
  it('leaves classify with the default verdict, and is told once', async () => {
    const { dependency } = subject({ classify: fault, retry: false });
    const events = eventsOf(dependency);
    for (let n = 0; n < 4; n++) await errorOf(dependency.execute(throwing()));
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(dependency.snapshot().window).toMatchObject({
      calls: 5,
      failures: 4,
    });
    expect(events.filter((event) => event.type === 'warning')).toHaveLength(1);
  });

  it('leaves retry.on with a no', async () => {
    const { dependency } = subject({ retry: { on: fault } });
    const error = await errorOf(dependency.execute(throwing()));
    expect(error.message).toBe('boom');
    expect(dependency.snapshot().totals.attempts).toBe(1);
  });

  it('leaves a trip rule not tripping, and is told once', async () => {
    let isBroken = true;
    const mood = (counts: Counts): boolean => {
      if (isBroken) fault();
      return counts.failures > 0;
    };
    const { dependency } = subject({ circuit: { trip: mood } });
    const events = eventsOf(dependency);
    for (let n = 0; n < 5; n++) await errorOf(dependency.execute(throwing()));
    expect(dependency.snapshot().state).toBe('closed');
    expect(events.filter((event) => event.type === 'warning')).toHaveLength(1);
    isBroken = false;
    await errorOf(dependency.execute(throwing()));
    expect(dependency.snapshot().state).toBe('open');
  });

  it('leaves enabled with a yes', async () => {
    const { dependency } = subject({ enabled: fault });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(dependency.snapshot().totals.succeeded).toBe(1);
  });

  it('reaches the caller when it is a balancer, and the next call asks again', async () => {
    let isBroken = true;
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: {
        pick: (hosts) => {
          if (isBroken) fault();
          return hosts[0]!;
        },
      },
    });
    const call = watch(dependency.execute(() => 'ok'));
    await clock.advance(10_000);
    expect(call.state).toBe('rejected');
    isBroken = false;
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expectRest({ clock, dependency });
  });

  it('reaches the caller when it is a balancer at a retry', async () => {
    let picks = 0;
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b', 'http://c'],
      loadBalancer: {
        pick: (hosts) => {
          picks += 1;
          if (picks > 1) fault();
          return hosts[0]!;
        },
      },
    });
    const unhandled = await unhandledDuring(async () => {
      const call = watch(dependency.execute(throwing(refusedConnection)));
      await clock.advance(10_000);
      expect(call.state).toBe('rejected');
      expectRest({ clock, dependency });
    });
    expect(unhandled).toEqual([]);
  });
});
