import { describe, expect, it } from 'vitest';
import { probes } from '../../../lib/circuit/recovery.js';
import { failureRatio } from '../../../lib/circuit/trip-rules.js';
import { DaceConfigurationError } from '../../../lib/core/errors.js';
import { resolveSettings } from '../../../lib/dependency/resolve-settings.js';

const errorOf = (
  options: unknown,
  defaults?: unknown,
  id = 'payments',
): DaceConfigurationError => {
  try {
    resolveSettings(id, options as never, defaults as never);
  } catch (error) {
    if (error instanceof DaceConfigurationError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
};

const problemOf = (options: unknown, defaults?: unknown): string => {
  const { problems } = errorOf(options, defaults);
  expect(problems).toHaveLength(1);
  return problems[0]!.message;
};

const MS = (least: number) =>
  `expected a finite number of milliseconds from ${least} to 2,147,483,647`;

describe('Wrong options', () => {
  it('are told all at once, in one error', () => {
    const error = errorOf({
      timeoutMs: -1,
      circuit: { resetTimeoutMs: '10s' },
      critical: 1,
    });

    expect(error.message).toBe(
      [
        'Dependency "payments" has 3 wrong options:',
        `  - timeoutMs is -1: ${MS(1)}, or false for none`,
        `  - circuit.resetTimeoutMs is "10s": ${MS(0)}; write 10000`,
        '  - critical is 1: expected true or false',
      ].join('\n'),
    );
    expect(error.dependencyId).toBe('payments');
    expect(error.problems.map(({ option }) => option)).toEqual([
      'timeoutMs',
      'circuit.resetTimeoutMs',
      'critical',
    ]);
  });

  it('come with the wrong id in one error', () => {
    const { problems } = errorOf({ timeoutMs: 0 }, undefined, '1st');

    expect(problems.map(({ option }) => option)).toEqual(['id', 'timeoutMs']);
  });

  it('of the module defaults are called so', () => {
    expect(problemOf({}, { timeoutMs: NaN, fallback: 1 })).toContain(
      'defaults.timeoutMs is NaN',
    );
    expect(problemOf({}, { timeout: 5 })).toBe(
      'unknown option "defaults.timeout": did you mean "timeoutMs"?',
    );
  });

  it('that do not go together are told along with the others', () => {
    const { problems } = errorOf({
      timeoutMs: 100,
      attemptTimeoutMs: 200,
      critical: null,
    });

    expect(problems.map(({ option }) => option).sort()).toEqual([
      'attemptTimeoutMs',
      'critical',
    ]);
  });
});

describe('An id', () => {
  it.each(['a', 'Payments', 'a.b-c_1', 'x'.repeat(64), 'toString'])(
    'may be %s',
    (id) => {
      expect(() => resolveSettings(id, {})).not.toThrow();
    },
  );

  it.each([
    '',
    '1a',
    '_a',
    'a b',
    'ä',
    'a\n',
    'x'.repeat(65),
    '__proto__',
    'constructor',
    'prototype',
    5,
    null,
    undefined,
    Symbol('a'),
  ])('may not be %s', (id) => {
    expect(() => resolveSettings(id as never, {})).toThrow(
      /expected a letter, then up to 63 letters/,
    );
  });
});

const junk = [NaN, Infinity, -Infinity, -1, '5', null, true, [5], {}, 5n];
const at = (path: string, value: unknown): object =>
  path
    .split('.')
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

describe('A time', () => {
  it.each([
    ['timeoutMs', 1],
    ['attemptTimeoutMs', 1],
    ['abandonAfterMs', 0],
    ['expectedInMs', 1],
    ['queueTimeoutMs', 1],
    ['shutdownGraceMs', 0],
    ['retry.backoff.delayMs', 0],
    ['retry.backoff.maxDelayMs', 0],
    ['retry.budget.windowMs', 1],
    ['circuit.resetTimeoutMs', 0],
    ['circuit.resetBackoff.maxMs', 1],
    ['circuit.leaseMs', 1],
    ['http.connectTimeoutMs', 1],
  ])('%s is a number from %d to 2,147,483,647', (path, least) => {
    const none = { timeoutMs: false } as const;
    for (const value of [least, 1.5, 2_147_483_647])
      expect(() =>
        resolveSettings('a', { ...none, ...at(path, value) }),
      ).not.toThrow();
    for (const value of [...junk, least - 0.5, 2_147_483_648]) {
      const problem = problemOf(at(path, value));
      expect(problem).toMatch(new RegExp(`^${path} is `));
      expect(problem).toContain(MS(least));
    }
  });
});

describe('A count', () => {
  it.each([
    ['retry.attempts', 1],
    ['retry.sameHost', 0],
    ['retry.budget.minRetries', 0],
    ['maxOpenPerNetloc', 1],
    ['maxQueuedPerNetloc', 0],
    ['http.poolSize', 1],
  ])('%s is whole and at least %d', (path, least) => {
    for (const value of [least, 1_000_000])
      expect(() => resolveSettings('a', at(path, value))).not.toThrow();
    for (const value of [...junk, least - 1, 1.5]) {
      const problem = problemOf(at(path, value));
      expect(problem).toMatch(new RegExp(`^${path} is `));
      expect(problem).toContain(`a whole number of at least ${least}`);
    }
  });
});

describe('A ratio', () => {
  it.each(['retry.budget.ratio', 'circuit.maxOutRatio'])(
    '%s is above 0, up to 1',
    (path) => {
      for (const value of [0.001, 1])
        expect(() => resolveSettings('a', at(path, value))).not.toThrow();
      for (const value of [...junk, 0, 1.01])
        expect(problemOf(at(path, value))).toContain(
          'expected a number above 0, up to 1',
        );
    },
  );
});

describe('A value of the wrong type', () => {
  it.each([
    [{ timeoutMs: '5000' }, 'use Number(…), as in Number(process.env.LIMIT)'],
    [{ retry: { attempts: '3' } }, 'use Number(…)'],
    [{ timeoutMs: '1.5 s' }, 'write 1500'],
    [{ timeoutMs: '2m' }, 'write 120000'],
    [{ critical: 'true' }, "process.env.FLAG === 'true'"],
    [{ timeoutMs: 'false' }, "process.env.FLAG === 'true'"],
    [{ timeoutMs: null }, 'leave it out for the default'],
    [{ timeoutMs: true }, 'or false for none'],
    [{ retry: 3 }, 'write { attempts: 3 }'],
    [{ retry: true }, 'leave it out for the defaults'],
    [{ retry: null }, 'leave it out for the default'],
    [{ retry: 'false' }, 'write false'],
    [{ circuit: [] }, 'is an empty array: expected an object'],
    [{ circuit: () => 1 }, 'expected an object'],
    [{ circuit: new Map() }, 'is an instance of Map: expected an object'],
    [{ http: 'http://u:geheim@a' }, 'http is a string: expected an object'],
    [{ rateLimit: 100 }, 'expected an object such as { limit, intervalMs }'],
    [{ hosts: 'http://a' }, 'put it in brackets, [url]'],
    [{ hosts: [] }, 'hosts is an empty array: expected an array of at least'],
    [{ hosts: {} }, 'expected an array of at least one host'],
    [
      { hosts: [undefined] },
      'hosts[0] is undefined: expected an http or https URL',
    ],
    [{ hosts: ['a', 'http://A:80/b'] }, 'a:80 is listed already, as hosts[0]'],
    [{ loadBalancer: 'fastest' }, "expected 'round-robin', 'random'"],
    [{ loadBalancer: {} }, 'an object with pick(hosts, context)'],
    [{ classify: 'x' }, 'expected a function'],
    [{ enabled: 1 }, 'expected true, false or a function'],
    [{ retry: { on: 'all' } }, "expected 'any', a function"],
    [
      { retry: { on: [Error, 5] } },
      'retry.on[1] is 5: expected an error class',
    ],
    [{ retry: { backoff: { factor: 0.5 } } }, 'at least 1'],
    [{ retry: { backoff: { jitter: -1 } } }, "[min, max], 'full'"],
    [{ retry: { backoff: { jitter: [5, 1] } } }, 'jitter is [5,1]: expected'],
    [{ retry: { backoff: { jitter: [1, NaN] } } }, "[min, max], 'full'"],
    [{ retry: { backoff: { jitter: 'some' } } }, "[min, max], 'full'"],
    [{ circuit: { resetBackoff: { jitter: NaN } } }, 'jitter is NaN'],
    [{ circuit: { trip: [] } }, 'circuit: false switches the circuit off'],
    [{ circuit: { trip: failureRatio } }, 'call it, failureRatio(…)'],
    [{ circuit: { trip: [{ trips: () => true }] } }, 'trip[0] is an object'],
    [{ circuit: { trip: { name: 'a', trips: 1 } } }, 'expected a trip rule'],
    [
      { circuit: { trip: { name: 'a', windowMs: 0, trips: () => true } } },
      'circuit.trip.windowMs is 0: expected a finite number',
    ],
    [{ circuit: { recovery: probes } }, 'call it, probes(…)'],
    [{ circuit: { recovery: {} } }, 'expected a recovery such as probes()'],
    [
      { circuit: { recovery: { kind: 'probes', calls: 1, successes: 2 } } },
      'circuit.recovery.successes is 2: expected a whole number of at least 1, at most 1',
    ],
    [
      { circuit: { recovery: { kind: 'probes', calls: 1.5, successes: 1 } } },
      'circuit.recovery.calls is 1.5: expected a whole number',
    ],
    [{ http: { onRequest: {} } }, 'expected a function'],
    [{ http: { proxy: 'a:80' } }, 'or an http or https URL'],
    [{ http: { secretHeaders: 'x-key' } }, 'an array of header names'],
    [{ http: { secretHeaders: ['x key'] } }, 'secretHeaders[0] is "x key"'],
    [{ http: { headers: [] } }, 'an object of header names'],
    [{ http: { headers: { 'a b': 'x' } } }, 'it is no name of a header'],
    [{ http: { headers: { a: 1 } } }, 'expected a string, or a function'],
    [{ http: { headers: { a: 'x\r\ny: z' } } }, 'without line ends'],
  ])('%j is told', (options, text) => {
    expect(problemOf(options)).toContain(text);
  });

  it.each([null, [], 'x', 5, () => ({}), new Map()])(
    'is told for all options at once: %s',
    (options) => {
      expect(problemOf(options)).toMatch(/^options is .*: expected an object/);
    },
  );

  it('may not be an instance of a class', () => {
    class PaymentsConfig {
      timeoutMs = 5;
    }

    expect(problemOf(new PaymentsConfig())).toMatch(
      /^options is an instance of PaymentsConfig: .*copy it into one, \{ \.\.\.value \}$/,
    );
  });

  it('is cut short', () => {
    expect(problemOf({ loadBalancer: 'x'.repeat(500) }).length).toBeLessThan(
      300,
    );
  });
});

describe('A secret', () => {
  it.each([
    { hosts: ['http://user:geheim@a'] },
    { hosts: ['user:geheim@a'] },
    { hosts: ['http://user:ge@heim:geheim@a'] },
    { hosts: [new URL('http://user:geheim@a')] },
    { hosts: [{ url: 'http://user:geheim@a', weight: 2 }] },
    { hosts: [{ url: new URL('http://user:geheim@a'), weight: NaN }] },
    { hosts: 'http://user:geheim@a' },
    { hosts: ['http://a?token=geheim'] },
    { http: { proxy: 'ftp://user:geheim@proxy' } },
    { http: { proxy: 'user:geheim@proxy:80' } },
    { http: { proxy: new URL('http://user:geheim@proxy') } },
    { http: { headers: { authorization: 'geheim\n' } } },
    { http: { headers: { 'a b': 'geheim' } } },
    { http: { headers: 'geheim' } },
    { http: { headers: ['geheim'] } },
    { http: { tls: 'geheim' } },
    { http: { tls: ['geheim'] } },
    { http: 'geheim' },
    { http: { key: 'geheim' } },
    { apiKey: 'geheim' },
  ])('is never shown: %j', (options) => {
    const error = errorOf(options);

    expect(error.message).not.toContain('geheim');
    expect(JSON.stringify(error.problems)).not.toContain('geheim');
  });
});

describe('A pair', () => {
  it.each([
    [
      { timeoutMs: 100, attemptTimeoutMs: 101 },
      'attemptTimeoutMs is 101: expected at most timeoutMs, 100',
    ],
    [
      { retry: { backoff: { delayMs: 2, maxDelayMs: 1 } } },
      'retry.backoff.delayMs is 2: expected at most retry.backoff.maxDelayMs, 1',
    ],
    [
      { attemptTimeoutMs: 100, circuit: { leaseMs: 99 } },
      'circuit.leaseMs is 99: expected at least attemptTimeoutMs, 100',
    ],
    [
      { rateLimit: { limit: 5 } },
      'rateLimit.intervalMs is missing: expected { limit, intervalMs }',
    ],
  ])('%j does not go together', (options, problem) => {
    expect(problemOf(options)).toBe(problem);
  });

  it('may be completed by the defaults', () => {
    const { rateLimit } = resolveSettings(
      'a',
      { rateLimit: { limit: 5 } as never },
      { rateLimit: { limit: 1, intervalMs: 7 } },
    );

    expect(rateLimit).toEqual({ limit: 5, intervalMs: 7 });
  });

  it('is no pair where a default is part of it', () => {
    const settings = resolveSettings(
      'a',
      { timeoutMs: 100 },
      { attemptTimeoutMs: 200 },
    );

    expect(settings.attemptTimeoutMs).toBe(100);
  });
});
