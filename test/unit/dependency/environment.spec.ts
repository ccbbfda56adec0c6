import { describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceConfigurationError,
  realClock,
  type DependencyEnvironment,
} from '../../../lib/core.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

const made = (environment: unknown) =>
  createDependency('payments', {}, environment as DependencyEnvironment);

function problemsOf(environment: unknown): readonly string[] {
  try {
    made(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(DaceConfigurationError);
    const { message, problems } = error as DaceConfigurationError;
    expect(message).toContain('third argument of createDependency("payments")');
    for (const problem of problems) expect(message).toContain(problem.message);
    return problems.map((problem) => problem.message);
  }
  throw new Error('it was taken');
}

describe('What a dependency is given from around it', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty object', {}],
    ['what is undefined', { clock: undefined, logger: undefined }],
    ['the real clock', { clock: realClock }],
    ['a clock that is an instance', { clock: new ManualClock() }],
    ['the console', { logger: console }],
    ['functions', { random: Math.random, onEvent: () => {} }],
    ['defaults', { defaults: { timeoutMs: 100 } }],
  ])('may be %s', (_, environment) => {
    expect(made(environment).id).toBe('payments');
  });

  it.each<[unknown, RegExp]>([
    [null, /options is null: expected an object such as \{ clock, random/],
    [5, /options is 5: expected an object/],
    [() => {}, /options is a function.*: expected an object/],
    [
      { clock: Date },
      /clock is .*expected a clock with nowMs, dateMs and alarm/,
    ],
    [{ clock: {} }, /clock is an object: expected a clock with nowMs/],
    [
      { clock: { nowMs() {} } },
      /expected a clock with nowMs, dateMs and alarm/,
    ],
    [{ random: 0.5 }, /random is 0.5: expected a function/],
    [{ logger: console.log }, /logger is a function .*expected a logger with/],
    [
      { logger: false },
      /logger is false: expected a logger with log, warn and/,
    ],
    [{ logger: { log() {} } }, /expected a logger with log, warn and error/],
    [{ onEvent: {} }, /onEvent is an object: expected a function/],
    [{ defaults: [] }, /defaults is an empty array: expected an object/],
    [{ enterAttempt: true }, /enterAttempt is true: expected a function/],
    [{ timeoutMs: 5 }, /"timeoutMs": it belongs in the second argument/],
    [{ clok: 5 }, /unknown option "clok": did you mean "clock"\?/],
    [{ isGlobal: true }, /"isGlobal": it is an option of the module/],
    [{ constructor: 1 }, /"constructor" is refused/],
  ])('is refused where it is %o', (environment, told) => {
    const [only, ...more] = problemsOf(environment);

    expect(only).toMatch(told);
    expect(more).toEqual([]);
  });

  it('is told whole', () => {
    expect(problemsOf({ clock: 1, random: 2, onEvent: 3 })).toHaveLength(3);
  });

  it('is refused before anything is begun', () => {
    let isAsked = false;
    const source = {
      hosts: () => {
        isAsked = true;
        return Promise.resolve(['http://a']);
      },
    };

    expect(() =>
      createDependency('payments', { hosts: source }, {
        clock: {},
      } as DependencyEnvironment),
    ).toThrow(DaceConfigurationError);
    expect(isAsked).toBe(false);
  });
});

describe('The options of acquire', () => {
  const { dependency } = {
    dependency: createDependency('payments', {}, { clock: new ManualClock() }),
  };

  it.each([
    { signal: new AbortController().signal },
    { timeoutMs: 100 },
    { retry: false },
    { fallback: null },
    { classify: () => 'failure' },
    { expectedInMs: 5 },
    { idempotent: true },
    { attemptTimeoutMs: 5, netloc: 'a' },
  ])('are a netloc and nothing else: %o', (options) => {
    expect(() => dependency.acquire(options as object)).toThrow(
      /acquire of "payments" has 1 wrong option:\n {2}- unknown option "\w+": it is an option of execute; acquire takes netloc alone/,
    );
    expect(dependency.snapshot().totals.started).toBe(0);
  });

  it('are told like those of a call', () => {
    expect(() => dependency.acquire({ netloc: '' })).toThrow(/netloc is ""/);
    expect(() => dependency.acquire({ netlok: 'a' } as object)).toThrow(
      /did you mean "netloc"\?/,
    );
    expect(() => dependency.acquire(null as never)).toThrow(
      DaceConfigurationError,
    );
  });

  it('may be absent, or undefined', () => {
    dependency.acquire({ netloc: undefined }).ignore();
    dependency.acquire().ignore();

    expect(dependency.snapshot().totals).toMatchObject({ cancelled: 2 });
  });
});
