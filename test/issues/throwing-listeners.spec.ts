import { describe, expect, it } from 'vitest';
import {
  createDependency,
  type Dependency,
  type DependencyEnvironment,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const bang = (): never => {
  throw new Error('a fault of the code around');
};
const reject = (): never =>
  Promise.reject(new Error('a fault of the code around')) as never;

interface Setup {
  readonly name: string;
  readonly options?: DependencyOptions;
  readonly environment?: DependencyEnvironment;
  readonly listen?: (dependency: Dependency) => void;
}

const nothing: Setup = { name: 'nothing' };
const throwing: readonly Setup[] = [
  { name: 'a listener', listen: (dependency) => dependency.on(bang) },
  { name: 'an async listener', listen: (dependency) => dependency.on(reject) },
  { name: 'onEvent', environment: { onEvent: bang } },
  { name: 'an async onEvent', environment: { onEvent: reject } },
  {
    name: 'a logger',
    environment: {
      logger: { log: bang, warn: bang, error: bang, debug: bang },
    },
  },
  {
    name: 'an async logger',
    environment: {
      logger: { log: reject, warn: reject, error: reject, debug: reject },
    },
  },
  { name: 'classify', options: { classify: bang } },
  { name: 'retry.on', options: { retry: { on: bang } } },
  { name: 'enabled()', options: { enabled: bang } },
  {
    name: 'a custom trip rule',
    options: {
      circuit: {
        trip: [
          bang,
          { name: 'own', trips: bang },
          (counts) => counts.consecutiveFailures >= 5,
        ],
      },
    },
  },
];

class Refused extends Error {
  readonly code = 'ECONNREFUSED';
}

/** What callers see of a life with successes, failures, retries, refusals and a recovery. */
async function live(setup: Setup): Promise<unknown> {
  const clock = new ManualClock();
  const payments = createDependency(
    'payments',
    {
      circuit: { trip: (counts) => counts.consecutiveFailures >= 5 },
      ...setup.options,
    },
    { clock, ...setup.environment },
  );
  setup.listen?.(payments);
  const ends: string[] = [];
  const see = async (call: Promise<unknown>): Promise<void> => {
    const end = call.then(
      (value) => `answered ${String(value)}`,
      (error: Error) => `${error.name}: ${error.message}`,
    );
    await clock.advance(0);
    ends.push(await end);
  };

  await see(payments.execute(() => 'at once'));
  await see(
    payments.execute((call) => {
      if (call.attempt === 1) throw new Refused('connect ECONNREFUSED');
      return 'at the second try';
    }),
  );
  await see(payments.execute(() => ({ status: 500 })));
  await see(payments.execute(() => bangOf('own'), { fallback: 'instead' }));
  await see(payments.execute(() => 'between'));
  for (let i = 0; i < 6; i += 1) await see(payments.execute(() => bangOf(i)));
  ends.push(payments.snapshot().state);
  await see(payments.execute(() => 'refused'));
  await clock.advance(10_000);
  await see(payments.execute(() => 'the probe'));
  ends.push(payments.snapshot().state);
  const hung = payments.execute(() => new Promise(() => {}));
  hung.catch(() => {});
  await clock.advance(5_000);
  await see(hung);
  const cancel = new AbortController();
  const left = payments.execute(() => new Promise(() => {}), {
    signal: cancel.signal,
  });
  cancel.abort(new Error('left'));
  await see(left);
  await payments.close();
  await see(payments.execute(() => 'too late'));
  const { totals } = payments.snapshot();
  return { ends, totals };
}

function bangOf(what: unknown): never {
  throw new Error(`failed ${String(what)}`);
}

describe('What callers see is the same', () => {
  it.each(throwing)('where $name throws', async (setup) => {
    expect(await live(setup)).toEqual(await live(nothing));
  });
});

describe('A life that is compared', () => {
  it('has successes, retries, failures, refusals, timeouts and a recovery', async () => {
    expect(await live(nothing)).toEqual({
      ends: [
        'answered at once',
        'answered at the second try',
        'answered [object Object]',
        'answered instead',
        'answered between',
        ...[0, 1, 2, 3, 4].map((i) => `Error: failed ${i}`),
        expect.stringContaining('DaceCircuitOpenError'),
        'open',
        expect.stringContaining('DaceCircuitOpenError'),
        'answered the probe',
        'closed',
        expect.stringContaining('DaceTimeoutError'),
        'Error: left',
        expect.stringContaining('DaceShutdownError'),
      ],
      totals: {
        started: 16,
        succeeded: 5,
        failed: 7,
        refused: 3,
        cancelled: 1,
        attempts: 14,
        retries: 1,
        fallbacks: 1,
      },
    });
  });
});

describe('A fault in a user function', () => {
  it.each([
    { name: 'classify', options: { classify: bang } },
    { name: 'retry.on', options: { retry: { on: bang } } },
    { name: 'enabled()', options: { enabled: bang } },
    { name: 'a trip rule', options: { circuit: { trip: bang } } },
  ])('in $name is told once', async ({ options }) => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const logger = { log: say, warn: say, error: say };
    const payments = createDependency('payments', options, {
      clock: new ManualClock(),
      logger,
    });

    for (let i = 0; i < 4; i += 1)
      await payments.execute(() => bangOf(i)).catch(() => {});

    const told = lines.filter((line) => line.includes('threw'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('a fault of the code around');
  });
});
