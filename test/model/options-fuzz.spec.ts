import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Test } from '@nestjs/testing';
import {
  consecutiveFailures,
  DaceConfigurationError,
  type CallOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import { DaceModule, DaceRegistry } from '../../lib/index.js';
import { watch } from '../support/core-toolkit.js';
import { CALL, DEPENDENCY, GUARD } from '../support/dependency-grammar.js';
import { FACTORIES } from '../support/factory-grammar.js';
import { MODULE } from '../support/module-grammar.js';
import { written, type Written } from '../support/option-grammar.js';
import {
  clashes,
  isAmong,
  laidOver,
  missing,
} from '../support/option-reckoning.js';
import {
  expectFinite,
  live,
  made,
  type Subject,
} from '../support/option-life.js';

const doubtful = written(DEPENDENCY, { wrong: 8 });
const sound = written(DEPENDENCY, { wrong: 0 });

/** The configuration error of `act`, or undefined if it threw nothing. */
function refusal(act: () => unknown): DaceConfigurationError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof DaceConfigurationError) return error;
    throw new Error('threw what is no DaceConfigurationError', {
      cause: error,
    });
  }
}

const WAYS_OUT =
  /expected|known are|did you mean|write|refused|belongs|it is|listed|makes/;

/** Everything in `wrong` is told, in words that help, and nothing else is. */
function expectTold(
  { message, problems }: DaceConfigurationError,
  wrong: readonly string[],
): void {
  expect(message).toContain('"payments"');
  expect(message).not.toContain('[object Object]');
  expect(message.replace(/ is undefined: /g, '')).not.toContain('undefined');
  for (const path of wrong)
    if (!problems.some(({ option }) => isAmong(option, [path])))
      expect.fail(`${path} is wrong and not told in: ${message}`);
  for (const problem of problems) {
    if (!isAmong(problem.option, wrong))
      expect.fail(`${problem.option} is right, and told: ${message}`);
    expect(message).toContain(problem.message);
    expect(problem.message).toContain(problem.option);
    expect(problem.message).toMatch(WAYS_OUT);
    expect(problem.message.length).toBeLessThan(1_500);
  }
}

/** What is wrong with options that stand for themselves, `whole` = with all that they inherit. */
const allWrong = ({ value, wrong }: Written, whole = value): string[] => [
  ...wrong,
  ...clashes(value, wrong),
  ...missing(whole, wrong).filter((path) => !isAmong(path, wrong)),
];

describe('Options of a dependency, whatever they are', () => {
  it('are refused with every problem told, or make a dependency that works', async () => {
    let refused = 0;
    let lived = 0;
    await fc.assert(
      fc.asyncProperty(doubtful, async (options) => {
        const wrong = allWrong(options);
        const error = wrong.length > 0 && refusal(() => made(options.value));
        if (error === undefined) expect.fail(`took ${wrong.join(', ')}`);
        if (error) {
          refused += 1;
          expectTold(error, wrong);
        } else {
          lived += 1;
          await live(made(options.value));
        }
      }),
      { numRuns: 10_000 },
    );
    // Both are worth something only if both occur.
    expect(Math.min(refused, lived)).toBeGreaterThan(1_000);
  }, 120_000);

  it('are the same whether they are its own or defaults', async () => {
    let lived = 0;
    await fc.assert(
      fc.asyncProperty(doubtful, doubtful, async (own, defaults) => {
        const isSound = own.wrong.length + defaults.wrong.length === 0;
        const whole = isSound ? laidOver(defaults.value, own.value) : own.value;
        const wrong = [
          ...allWrong(own, whole),
          ...defaults.wrong.map((path) =>
            path === 'options' ? path : `defaults.${path}`,
          ),
        ];
        const error =
          wrong.length > 0 && refusal(() => made(own.value, defaults.value));
        if (error === undefined) expect.fail(`took ${wrong.join(', ')}`);
        if (error) return;
        lived += 1;
        await live(made(own.value, defaults.value));
      }),
      { numRuns: 1_500 },
    );
    expect(lived).toBeGreaterThan(100);
  }, 60_000);
});

const has = ({ value }: Written, name: string): boolean =>
  Boolean((value as Record<string, unknown> | null)?.[name]);

const netlocsOf = ({ dependency }: Subject): string[] =>
  dependency.snapshot().hosts.map(({ netloc }) => netloc);

/** Multiplied by any chance it is beyond every number. */
const ENDLESS = {
  circuit: { trip: consecutiveFailures(1), resetBackoff: { jitter: 1e308 } },
};

describe('Values that resist', () => {
  const boom = (): never => {
    throw new Error('a getter that throws');
  };
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const named = (name: unknown): unknown =>
    Object.defineProperty(class {}, 'name', { value: name });

  it.each<[string, unknown]>([
    [
      'a getter that throws',
      {
        get timeoutMs() {
          return boom();
        },
      },
    ],
    [
      'one that throws further in',
      {
        retry: {
          get attempts() {
            return boom();
          },
        },
      },
    ],
    ['a proxy that throws', new Proxy({}, { ownKeys: boom })],
    [
      'a proxy of a level that throws',
      { http: new Proxy({}, { ownKeys: boom }) },
    ],
    ['a revoked proxy', revoked],
    ['a revoked proxy in an option', { hosts: revoked }],
    ['a class whose name is a symbol', { timeoutMs: named(Symbol('name')) }],
    ['a class whose name is an object', { retry: named({}) }],
    ['a class with an endless name', { circuit: named('y'.repeat(10_000)) }],
    [
      'a rule that cannot be read',
      {
        circuit: {
          trip: {
            get trips() {
              return boom();
            },
          },
        },
      },
    ],
    [
      'a host that cannot be read',
      {
        hosts: [
          {
            get url() {
              return boom();
            },
          },
        ],
      },
    ],
  ])('%s is refused with a message of use', (_, options) => {
    const error = refusal(() => made(options));
    expect(error?.message).toContain('"payments"');
    expect(error?.message).not.toContain('[object Object]');
    expect(error?.message.length).toBeLessThan(1_500);
    expect(error?.problems).toHaveLength(1);
  });

  it('an opening without an end does not stop the process', async () => {
    const error = refusal(() => made(ENDLESS));
    if (error === undefined) await live(made(ENDLESS));
    else expectTold(error, ['circuit.resetBackoff.jitter']);
  });
});

describe('configure, whatever the changes are', () => {
  it('throws and has changed nothing, or makes what would have been made at once', async () => {
    let refused = 0;
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(sound, doubtful, async (before, changes) => {
        fc.pre(allWrong(before).length === 0);
        const subject = made(before.value);
        const after =
          changes.wrong.length === 0
            ? laidOver(before.value, changes.value)
            : undefined;
        const wrong =
          after === undefined
            ? changes.wrong
            : [...clashes(after), ...missing(after)];
        const shown = subject.dependency.snapshot();
        const error = refusal(() =>
          subject.dependency.configure(changes.value as DependencyOptions),
        );
        expect(error !== undefined, wrong.join()).toBe(wrong.length > 0);
        if (error !== undefined) {
          refused += 1;
          expect(subject.dependency.snapshot()).toEqual(shown);
        } else changed += 1;
        const twin = made(error === undefined ? after : before.value);
        expect(netlocsOf(subject)).toEqual(netlocsOf(twin));
        const lived = await live(subject);
        // A bucket keeps its tokens, and a host that joins starts slowly: both differ by intent.
        const differs =
          (has(before, 'rateLimit') && has(changes, 'rateLimit')) ||
          has(changes, 'hosts');
        if (error !== undefined || !differs)
          expect(lived).toEqual(await live(twin));
      }),
      { numRuns: 1_500 },
    );
    expect(Math.min(refused, changed)).toBeGreaterThan(100);
  }, 60_000);

  it('changes nothing behind calls that run when it throws', async () => {
    await fc.assert(
      fc.asyncProperty(sound, doubtful, async (before, changes) => {
        fc.pre(allWrong(before).length === 0 && changes.wrong.length > 0);
        const [subject, twin] = [made(before.value), made(before.value)];
        const calls = [subject, twin].map(({ dependency }) =>
          [0, 1, 2].map(() =>
            watch(dependency.execute(() => new Promise(() => {}))),
          ),
        );
        await subject.clock.advance(1);
        await twin.clock.advance(1);
        const error = refusal(() =>
          subject.dependency.configure(changes.value as DependencyOptions),
        );
        expect(error).toBeDefined();
        expect(subject.dependency.snapshot()).toEqual(
          twin.dependency.snapshot(),
        );
        for (const { clock } of [subject, twin]) await clock.advance(6_000);
        const states = calls.map((each) => each.map(({ state }) => state));
        expect(states[0]).toEqual(states[1]);
        expect(subject.dependency.snapshot()).toEqual(
          twin.dependency.snapshot(),
        );
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});

describe('Options of a call, whatever they are', () => {
  const forCall = written(CALL, { wrong: 20 });

  /** Told by a rejection, and nothing of the call has begun. */
  async function expectRejected(
    { clock, dependency }: Subject,
    options: unknown,
    wrong: readonly string[],
  ): Promise<void> {
    const call = watch(
      dependency.execute(() => 'fine', options as CallOptions),
    );
    await clock.advance(0);
    expect(call.state).toBe('rejected');
    expectTold(call.error as DaceConfigurationError, wrong);
    expect(dependency.snapshot().totals.started).toBe(0);
  }

  it('reject the call with every problem told, or are kept to', async () => {
    let refused = 0;
    let lived = 0;
    await fc.assert(
      fc.asyncProperty(forCall, async ({ value, wrong }) => {
        fc.pre(value !== undefined);
        const subject = made({ hosts: ['http://a:8080', 'http://b:8080'] });
        const wrap = () =>
          subject.dependency.wrap(() => 'fine', value as CallOptions);
        if (wrong.length > 0) {
          refused += 1;
          await expectRejected(subject, value, wrong);
          expectTold(refusal(wrap)!, wrong);
        } else {
          lived += 1;
          wrap();
          await live(subject, value);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(refused, lived)).toBeGreaterThan(500);
  }, 60_000);
});

describe('Options of a guard, whatever they are', () => {
  it('are refused with every problem told, or kept to', () => {
    const seen = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(written(GUARD, { wrong: 40 }), ({ value, wrong }) => {
        fc.pre(value !== undefined);
        const { dependency } = made({});
        const take = () => dependency.acquire(value as CallOptions).ignore();
        if (wrong.length > 0) expectTold(refusal(take)!, wrong);
        else take();
        seen[wrong.length > 0 ? 'refused' : 'taken'] += 1;
        const { started } = dependency.snapshot().totals;
        expect(started).toBe(wrong.length > 0 ? 0 : 1);
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.refused, seen.taken)).toBeGreaterThan(100);
  });

  it('are not those of a call: nothing but a netloc holds for it', () => {
    const forCall = written(CALL, { wrong: 0 });
    fc.assert(
      fc.property(forCall, ({ value }) => {
        const { dependency } = made({});
        const strange = Object.entries(value as object)
          .filter(([name, option]) => name !== 'netloc' && option !== undefined)
          .map(([name]) => name);
        fc.pre(strange.length > 0);
        const error = refusal(() => dependency.acquire(value as CallOptions));
        expectTold(error!, strange);
        expect(error!.message).toContain('acquire takes netloc alone');
      }),
      { numRuns: 500 },
    );
  });
});

describe('Factories of rules and recoveries, whatever they are given', () => {
  it.each(FACTORIES)('%s', async (_, make, level) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        written(level.group, { wrong: 25 }),
        async ({ value, wrong: parts }) => {
          fc.pre(value !== undefined);
          const wrong = [...parts, ...level.clashes(value, parts)];
          const error = wrong.length > 0 && refusal(() => make(value as never));
          if (error === undefined) expect.fail(`took ${wrong.join(', ')}`);
          if (error) {
            refused += 1;
            expect(error.message).toContain(make.name);
            expect(error.message).not.toContain('[object Object]');
            expect(error.message.length).toBeLessThan(1_500);
            expect(error.problems).toHaveLength(1);
            return;
          }
          const made_ = make(value as never);
          expectFinite(made_, make.name);
          await live(
            made({
              circuit: 'trips' in made_ ? { trip: made_ } : { recovery: made_ },
            }),
          );
        },
      ),
      { numRuns: 600 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  it('a count of failures in a row', () => {
    fc.assert(
      fc.property(fc.anything(), (count) => {
        const isRight = Number.isSafeInteger(count) && (count as number) >= 1;
        const error = refusal(() => consecutiveFailures(count as number));
        expect(error === undefined).toBe(isRight);
      }),
    );
  });
});

describe('Options of the module, whatever they are', () => {
  it('are a start-up error, or start an app', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        written(MODULE, { wrong: 15 }),
        written(DEPENDENCY, { wrong: 2 }),
        async (options, payments) => {
          const defaults = (options.value as { defaults?: unknown } | undefined)
            ?.defaults;
          const isSound =
            options.wrong.length === 0 &&
            payments.wrong.length === 0 &&
            clashes(payments.value).length === 0 &&
            missing(laidOver(defaults, payments.value)).length === 0;
          const start = async () => {
            const app = await Test.createTestingModule({
              imports: [
                DaceModule.forRoot(
                  { payments: payments.value as DependencyOptions },
                  options.value as object,
                ),
              ],
            }).compile();
            app.enableShutdownHooks();
            return app;
          };
          const started = await start().catch((error: unknown) => error);
          if (started instanceof Error) {
            refused += 1;
            expect(started).toBeInstanceOf(DaceConfigurationError);
            expect(isSound, started.message).toBe(false);
            expect(started.message).not.toContain('[object Object]');
            return;
          }
          expect(isSound, 'started').toBe(true);
          const app = started as Awaited<ReturnType<typeof start>>;
          expect(app.get(DaceRegistry).ids()).toEqual(['payments']);
          await app.close();
        },
      ),
      { numRuns: 250 },
    );
    expect(refused).toBeGreaterThan(20);
  }, 60_000);
});
