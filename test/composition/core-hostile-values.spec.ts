import { describe, expect, it } from 'vitest';
import {
  expectRest,
  gate,
  refusedConnection,
  subject,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

/** Throws whatever is asked of it, but for what a promise asks of its value. */
const untouchable = (): object =>
  new Proxy(
    {},
    {
      get(_, name) {
        if (name === 'then') return undefined;
        throw new TypeError(`no ${String(name)} here`);
      },
      getPrototypeOf() {
        throw new TypeError('no prototype here');
      },
      has() {
        throw new TypeError('nothing here');
      },
    },
  );

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

const getter = (name: PropertyKey): object =>
  Object.defineProperty(new Error('a getter that throws'), name, {
    get() {
      throw new TypeError(`no ${String(name)} here`);
    },
  });

const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['an untouchable proxy', untouchable],
  ['a revoked proxy', revoked],
  ...[
    'code',
    'name',
    'message',
    'cause',
    'status',
    'response',
    'kind',
    'headers',
    'dependencyId',
    Symbol.toStringTag,
    Symbol.for('nestjs-dace.error'),
  ].map(
    (name) =>
      [`an error whose ${String(name)} throws`, () => getter(name)] as const,
  ),
  [
    'an error that is its own cause',
    () => {
      const error = refusedConnection();
      error.cause = error;
      return error;
    },
  ],
  ['a null', () => null],
  ['nothing', () => undefined],
  ['a symbol', () => Symbol('thrown')],
  ['a frozen error', () => Object.freeze(new Error('frozen'))],
];

describe.each(HOSTILE)('Work that throws %s', (_, make) => {
  it('ends with it, and gives all back', async () => {
    const rig = subject(
      { retry: { on: 'any' }, maxOpenPerNetloc: 1 },
      {
        logger: { log() {}, warn() {}, error() {}, debug() {} },
        onEvent() {},
      },
    );
    const thrown = make();
    const work = gate();
    const seen = await unhandledDuring(async () => {
      const sync = watch(
        rig.dependency.execute(
          () => {
            throw thrown;
          },
          { retry: false },
        ),
      );
      await rig.clock.advance(0);
      const late = watch(
        rig.dependency.execute(() => work.promise, { retry: false }),
      );
      const tried = watch(
        rig.dependency.execute(() => Promise.reject(thrown as Error)),
      );
      const replaced = watch(
        rig.dependency.execute(
          () => {
            throw thrown;
          },
          { fallback: () => 'instead' },
        ),
      );
      work.reject(thrown);
      await rig.clock.advance(10);

      expect(sync.state).toBe('rejected');
      expect(Object.is(sync.error, thrown)).toBe(true);
      expect(late.state).toBe('rejected');
      expect(tried.state).toBe('rejected');
      expect(replaced.value).toBe('instead');
    });

    expect(seen).toEqual([]);
    rig.dependency.snapshot();
    expectRest(rig);
  });
});

describe.each(HOSTILE)('Work that returns %s', (_, make) => {
  it('ends with it, and gives all back', async () => {
    const rig = subject({
      retry: {
        on: (outcome) => outcome instanceof Error,
        backoff: { delayMs: 1 },
      },
      maxOpenPerNetloc: 1,
    });
    const returned = make();
    const seen = await unhandledDuring(async () => {
      const sync = watch(rig.dependency.execute(() => [returned]));
      const plain = watch(rig.dependency.execute(async () => returned));
      const judged = watch(
        rig.dependency.execute(async () => returned, {
          classify: () => 'throttled',
        }),
      );
      await rig.clock.advance(100);

      for (const call of [sync, plain, judged])
        expect(call.state).not.toBe('pending');
    });

    expect(seen).toEqual([]);
    expectRest(rig);
  });
});

describe.each(HOSTILE)('A fallback that throws %s', (_, make) => {
  it.each(['at once', 'later'])('%s ends the call', async (when) => {
    const rig = subject();
    const thrown = make();
    const seen = await unhandledDuring(async () => {
      const call = watch(
        rig.dependency.execute(
          () => {
            throw new Error('boom');
          },
          {
            fallback: () => {
              if (when === 'at once') throw thrown;
              return Promise.reject(thrown);
            },
          },
        ),
      );
      await rig.clock.advance(1);

      expect(call.state).toBe('rejected');
      expect(Object.is(call.error, thrown)).toBe(true);
    });

    expect(seen).toEqual([]);
    expectRest(rig);
  });
});
