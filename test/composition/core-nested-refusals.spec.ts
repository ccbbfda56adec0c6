import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  type Call,
  type Dependency,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  errorOf,
  expectRest,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

/** `payments`, and a `bank` that it asks. */
function nested(bankOptions: DependencyOptions): Subject & {
  readonly bank: Dependency;
  ask(): Promise<unknown>;
} {
  const rig = subject();
  const bank = createDependency('bank', bankOptions, { clock: rig.clock });
  return {
    ...rig,
    bank,
    ask: () => rig.dependency.execute(() => bank.execute(() => 'balance')),
  };
}

type Refusal = readonly [
  name: string,
  options: DependencyOptions,
  /** Brings the bank to where it refuses. */
  prepare: (rig: ReturnType<typeof nested>) => Promise<void> | void,
  code: string,
  waitMs?: number,
];

const hog = ({ bank }: { readonly bank: Dependency }): void => {
  void bank.execute(hang, { timeoutMs: 1_000_000 }).catch(() => undefined);
};

const REFUSALS: readonly Refusal[] = [
  [
    'its circuit is open',
    { circuit: { trip: consecutiveFailures(1) }, retry: false },
    async ({ bank }) => void (await errorOf(bank.execute(throwing()))),
    'DACE_CIRCUIT_OPEN',
  ],
  [
    'it is full',
    { maxOpenPerNetloc: 1, maxQueuedPerNetloc: 0 },
    hog,
    'DACE_RATE_LIMITED',
  ],
  [
    'its rate is used up',
    { rateLimit: { limit: 1, intervalMs: 1_000_000 } },
    async ({ bank }) => void (await bank.execute(() => '')),
    'DACE_RATE_LIMITED',
  ],
  [
    'its queue takes too long',
    { maxOpenPerNetloc: 1, queueTimeoutMs: 50 },
    hog,
    'DACE_TIMEOUT',
    50,
  ],
  [
    'its own deadline passes in its queue',
    { maxOpenPerNetloc: 1, timeoutMs: 50 },
    hog,
    'DACE_TIMEOUT',
    50,
  ],
  [
    'its own deadline passes before it knows a host',
    { timeoutMs: 50, loadBalancer: () => hang() },
    () => {},
    'DACE_TIMEOUT',
    50,
  ],
  [
    'all its hosts are forced open',
    { hosts: ['http://a', 'http://b'] },
    ({ bank }) => {
      bank.control('forced-open', 'a');
      bank.control('forced-open', 'b');
    },
    'DACE_NO_HOSTS',
  ],
  ['it is closed', {}, ({ bank }) => bank.close(), 'DACE_SHUTDOWN'],
];

const ROWS = REFUSALS.map(([name, options, prepare, code, waitMs = 0]) => ({
  name,
  options,
  prepare,
  code,
  waitMs,
}));

describe('A refusal by another dependency, because', () => {
  it.each(ROWS)(
    '$name, proves nothing of the one around it',
    async ({ options, prepare, code, waitMs }) => {
      const rig = nested(options);
      await prepare(rig);
      const calls = Array.from({ length: 8 }, () => watch(rig.ask()));
      await rig.clock.advance(waitMs);

      for (const call of calls) expect(call.error).toMatchObject({ code });
      expect(rig.bank.snapshot().totals.refused).toBe(8);
      expect(rig.dependency.snapshot()).toMatchObject({
        state: 'closed',
        window: { calls: 0, failures: 0 },
        totals: { failed: 8, attempts: 8, retries: 0 },
      });
      expect(rig.dependency.snapshot()).not.toHaveProperty('lastFailure');
    },
  );

  it.each(ROWS)(
    '$name, is answered by a fallback and never repeated',
    async ({ options, prepare, waitMs }) => {
      const rig = nested(options);
      await prepare(rig);
      let tries = 0;
      const call = watch(
        rig.dependency.execute(
          () => {
            tries += 1;
            return rig.bank.execute(() => 'balance');
          },
          { retry: { on: 'any', onTimeout: true }, fallback: 'unknown' },
        ),
      );
      await rig.clock.advance(waitMs);

      expect(call.value).toBe('unknown');
      expect(tries).toBe(1);
    },
  );

  it('gives back the lease of a probe that met it', async () => {
    const rig = nested({ maxOpenPerNetloc: 1, timeoutMs: 50 });
    rig.dependency.configure({
      circuit: { trip: consecutiveFailures(1), resetTimeoutMs: 10 },
    });
    await errorOf(rig.dependency.execute(throwing()));
    await rig.clock.advance(10);
    hog(rig);
    const probe = watch(rig.ask());
    await rig.clock.advance(50);
    expect(probe.error).toMatchObject({ kind: 'operation', timeoutMs: 50 });
    expect(rig.dependency.snapshot().state).toBe('half-open');

    expect(await rig.dependency.execute(() => 'probe')).toBe('probe');
    expect(rig.dependency.snapshot().state).toBe('closed');
  });
});

describe('What is no refusal: another dependency that', () => {
  const judged = async (
    options: DependencyOptions,
    work: (call: Call, rig: Subject) => unknown,
    waitMs = 0,
  ) => {
    const rig = nested(options);
    const call = watch(
      rig.dependency.execute(() =>
        rig.bank.execute((within) => work(within, rig)),
      ),
    );
    await rig.clock.advance(waitMs);
    expect(call.state).toBe('rejected');
    return rig.dependency.snapshot().window;
  };

  it.each<[string, DependencyOptions]>([
    ['by its deadline', { timeoutMs: 50 }],
    ['by the timeout of its attempt', { attemptTimeoutMs: 50, retry: false }],
    [
      'at its second try',
      { timeoutMs: 50, retry: { on: 'any', backoff: { delayMs: 1 } } },
    ],
  ])('timed out, %s, has failed', async (_, options) => {
    let tries = 0;
    const window = await judged(
      options,
      () => {
        tries += 1;
        if (options.retry !== undefined && tries === 1) throw new Error('boom');
        return hang();
      },
      50,
    );
    expect(window).toMatchObject({ calls: 1, failures: 1 });
  });

  it('has used up its tries has failed', async () => {
    const window = await judged({}, throwing(refusedConnection));
    expect(window).toMatchObject({ calls: 1, failures: 1 });
  });

  it('waited in its queue only before its second try has failed', async () => {
    const rig = nested({ maxOpenPerNetloc: 1, timeoutMs: 50 });
    let tries = 0;
    const call = watch(
      rig.dependency.execute(() =>
        rig.bank.execute(() => {
          tries += 1;
          throw refusedConnection();
        }),
      ),
    );
    // Takes the permit between the tries.
    hog(rig);
    await rig.clock.advance(50);

    expect(tries).toBe(1);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(rig.bank.snapshot().totals).toMatchObject({ failed: 1, refused: 0 });
    expect(rig.dependency.snapshot().window).toMatchObject({
      calls: 1,
      failures: 1,
    });
  });

  it('answered late has not', async () => {
    const rig = nested({});
    const call = watch(
      rig.dependency.execute(() =>
        rig.bank.execute(() => after(rig.clock, 40, () => 'late')),
      ),
    );
    await rig.clock.advance(40);
    expect(call.value).toBe('late');
    expect(rig.dependency.snapshot().window).toMatchObject({
      calls: 1,
      failures: 0,
    });
    expectRest(rig);
  });
});
