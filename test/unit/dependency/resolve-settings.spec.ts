import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probes } from '../../../lib/circuit/recovery.js';
import { failureRatio } from '../../../lib/circuit/trip-rules.js';
import { DaceConfigurationError } from '../../../lib/core/errors.js';
import type { DependencyOptions } from '../../../lib/dependency/options.js';
import {
  resolveRetry,
  resolveSettings,
} from '../../../lib/dependency/resolve-settings.js';
import { nastyOptions } from './option-fuzz.js';

const settingsOf = (
  options?: DependencyOptions,
  defaults?: DependencyOptions,
) => resolveSettings('payments', options, defaults);

describe('Settings of a dependency that says nothing', () => {
  it('are the defaults of the design', () => {
    expect(settingsOf()).toEqual({
      enabled: true,
      critical: false,
      hosts: [],
      loadBalancer: 'peak-ewma',
      classify: undefined,
      fallback: undefined,
      timeoutMs: 5_000,
      attemptTimeoutMs: 5_000,
      isAttemptTimeoutDerived: true,
      abandonAfterMs: 30_000,
      expectedInMs: Infinity,
      retry: {
        attempts: 3,
        onTimeout: false,
        on: undefined,
        sameHost: 0,
        backoff: { delayMs: 0, factor: 2, maxDelayMs: Infinity, jitter: 0 },
        budget: { ratio: 0.2, windowMs: 10_000, minRetries: 3 },
      },
      circuit: {
        trip: undefined,
        recovery: probes(),
        resetTimeoutMs: 10_000,
        resetBackoff: { factor: 1, maxMs: 60_000, jitter: 0 },
        leaseMs: 6_000,
        maxOutRatio: 0.5,
      },
      maxOpenPerNetloc: 10,
      maxQueuedPerNetloc: 100,
      queueTimeoutMs: Infinity,
      rateLimit: undefined,
      shutdownGraceMs: 5_000,
      http: {
        poolSize: 10,
        connectTimeoutMs: 1_000,
        proxy: false,
        secretHeaders: [],
        allowOtherHosts: false,
      },
    });
  });

  it('are the same for options that are all undefined', () => {
    const absent = {
      timeoutMs: undefined,
      hosts: undefined,
      fallback: undefined,
      retry: { attempts: undefined, backoff: undefined, budget: undefined },
      circuit: { trip: undefined, resetBackoff: { factor: undefined } },
      http: { headers: undefined, secretHeaders: undefined },
    };

    expect(settingsOf(absent)).toEqual(settingsOf());
  });

  it('share what nobody changed', () => {
    const one = resolveSettings('a', { timeoutMs: 5_000 });
    const other = resolveSettings('b', undefined);

    expect(one.retry).toBe(other.retry);
    expect(one.circuit).toBe(other.circuit);
    expect(one.http).toBe(other.http);
    expect(Object.isFrozen(one.retry.backoff)).toBe(true);
  });
});

describe('Timeouts', () => {
  it('are Infinity when switched off', () => {
    expect(settingsOf({ timeoutMs: false })).toMatchObject({
      timeoutMs: Infinity,
      attemptTimeoutMs: Infinity,
    });
  });

  it('of an attempt follow that of the operation', () => {
    expect(settingsOf({ timeoutMs: 100 })).toMatchObject({
      attemptTimeoutMs: 100,
      isAttemptTimeoutDerived: true,
    });
  });

  it('of an attempt stand where they are written', () => {
    expect(
      settingsOf({ timeoutMs: false, attemptTimeoutMs: 100 }),
    ).toMatchObject({
      timeoutMs: Infinity,
      attemptTimeoutMs: 100,
      isAttemptTimeoutDerived: false,
    });
  });

  it('of an attempt are clamped where one of the two is a default', () => {
    expect(settingsOf({ attemptTimeoutMs: 9_000 }).attemptTimeoutMs).toBe(
      5_000,
    );
  });

  it('of an attempt may be switched off alone', () => {
    expect(settingsOf({ attemptTimeoutMs: false })).toMatchObject({
      attemptTimeoutMs: 5_000,
      isAttemptTimeoutDerived: true,
    });
  });

  it('of the queue are 30 s where no deadline bounds it', () => {
    expect(settingsOf({ timeoutMs: false }).queueTimeoutMs).toBe(30_000);
    expect(settingsOf({ queueTimeoutMs: 7 }).queueTimeoutMs).toBe(7);
  });

  it('may be shorter than what is expected', () => {
    expect(settingsOf({ timeoutMs: 10, expectedInMs: 20 }).expectedInMs).toBe(
      20,
    );
  });
});

describe('A lease', () => {
  it.each<[DependencyOptions, number]>([
    [{}, 6_000],
    [{ timeoutMs: 100 }, 1_100],
    [{ attemptTimeoutMs: 200 }, 1_200],
    [{ timeoutMs: false }, 30_000],
    [{ timeoutMs: 100, circuit: { leaseMs: 7_000 } }, 7_000],
    [{ timeoutMs: 100, circuit: { leaseMs: 50 } }, 100],
    [{ timeoutMs: false, circuit: { leaseMs: 50 } }, 50],
  ])('of %j ends after %d ms', (options, leaseMs) => {
    expect(settingsOf(options).circuit?.leaseMs).toBe(leaseMs);
  });
});

describe('A circuit', () => {
  it.each<DependencyOptions>([
    { circuit: false },
    { circuit: { resetTimeoutMs: 0 } },
  ])('of %j is none', (options) => {
    expect(settingsOf(options).circuit).toBeUndefined();
  });

  it('keeps its other defaults when one is written', () => {
    const circuit = { resetBackoff: { factor: 2 }, maxOutRatio: 1 };

    expect(settingsOf({ circuit }).circuit).toEqual({
      ...settingsOf().circuit,
      resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
      maxOutRatio: 1,
    });
  });

  it('makes a list of one rule', () => {
    const rule = failureRatio();

    expect(settingsOf({ circuit: { trip: rule } }).circuit?.trip).toEqual([
      rule,
    ]);
  });

  it('makes rules of functions, by their names', () => {
    function tooManySlow(): boolean {
      return true;
    }

    const trip = [tooManySlow, () => false];
    const [named, nameless] = settingsOf({ circuit: { trip } }).circuit!.trip!;

    expect(named).toEqual({ name: 'tooManySlow', trips: tooManySlow });
    expect(nameless?.name).toBe('custom');
  });

  it('calls a function that is written in place custom', () => {
    const { circuit } = settingsOf({ circuit: { trip: () => true } });

    expect(circuit?.trip?.[0]?.name).toBe('custom');
  });

  it('keeps the same rules for the same options, so that windows stay', () => {
    const trip = [failureRatio(), () => true];
    const first = settingsOf({ circuit: { trip } }).circuit?.trip;

    expect(settingsOf({ circuit: { trip } }).circuit?.trip).toBe(first);
    trip.push(() => false);
    expect(settingsOf({ circuit: { trip } }).circuit?.trip).toHaveLength(3);
    expect(first).toHaveLength(2);
  });
});

describe('A stage that is switched off', () => {
  it('is one try without a budget', () => {
    expect(settingsOf({ retry: false }).retry).toMatchObject({
      attempts: 1,
      budget: undefined,
    });
  });

  it('is a retry without a budget', () => {
    const { retry } = settingsOf({ retry: { budget: false } });

    expect(retry).toMatchObject({ attempts: 3, budget: undefined });
  });

  it('is no limit and no rate', () => {
    const settings = settingsOf({ maxOpenPerNetloc: false, rateLimit: false });

    expect(settings).toMatchObject({
      maxOpenPerNetloc: Infinity,
      rateLimit: undefined,
    });
  });
});

describe('Module defaults', () => {
  it('hold where the dependency is silent, key by key', () => {
    const settings = settingsOf(
      { retry: { backoff: { delayMs: 5 } }, http: { poolSize: 3 } },
      {
        timeoutMs: 100,
        retry: { attempts: 7, backoff: { factor: 3 } },
        http: { connectTimeoutMs: 9 },
      },
    );

    expect(settings).toMatchObject({
      timeoutMs: 100,
      retry: { attempts: 7, backoff: { delayMs: 5, factor: 3 } },
      http: { poolSize: 3, connectTimeoutMs: 9 },
    });
  });

  it('give way to false, and false to options', () => {
    expect(
      settingsOf({ circuit: false }, { circuit: { leaseMs: 9_000 } }).circuit,
    ).toBeUndefined();
    expect(
      settingsOf({ circuit: {} }, { circuit: false }).circuit,
    ).toBeDefined();
    expect(settingsOf({ retry: {} }, { retry: false }).retry.attempts).toBe(3);
  });
});

describe('Hosts and HTTP', () => {
  it('become settings', () => {
    const { hosts } = settingsOf({
      hosts: ['http://a:1/b/', { url: 'c:443', weight: 2 }],
    });

    expect(hosts).toEqual([
      { protocol: 'http', netloc: 'a:1', baseUrl: 'http://a:1/b', weight: 1 },
      { protocol: 'https', netloc: 'c:443', baseUrl: 'https://c', weight: 2 },
    ]);
  });

  it('lower the names of secret headers', () => {
    const { http } = settingsOf({ http: { secretHeaders: ['X-Api-Key'] } });

    expect(http.secretHeaders).toEqual(['x-api-key']);
  });

  it('keep the TLS options they were given', () => {
    const tls = { ca: 'x' };

    expect(settingsOf({ http: { tls } }).http.tls).toBe(tls);
  });
});

describe('A fallback', () => {
  it.each([null, 0, '', false, () => 1])('may be %s', (value) => {
    expect(settingsOf({ fallback: value }).fallback).toEqual({ value });
  });
});

describe('Retry options of a call', () => {
  const base = settingsOf({
    retry: { attempts: 5, backoff: { delayMs: 7 } },
  }).retry;

  it('leave the retry of the dependency when absent', () => {
    expect(resolveRetry(undefined, base)).toBe(base);
  });

  it('lie over it by key', () => {
    const retry = resolveRetry({ sameHost: 2, backoff: { factor: 3 } }, base);

    expect(retry).toEqual({
      ...base,
      sameHost: 2,
      backoff: { ...base.backoff, factor: 3 },
    });
  });

  it('switch it off, and on where it was off', () => {
    const off = resolveRetry(false, base);

    expect(off.attempts).toBe(1);
    expect(resolveRetry({ onTimeout: true }, off)).toMatchObject({
      attempts: 3,
      onTimeout: true,
    });
  });
});

const numbersIn = (value: unknown, depth = 0): number[] => {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null || depth > 3) return [];
  return Object.values(value).flatMap((item) => numbersIn(item, depth + 1));
};

describe('Whatever is written as options', () => {
  it('is refused as a whole, or gives settings of numbers', () => {
    let sound = 0;
    fc.assert(
      fc.property(nastyOptions, nastyOptions, (options, defaults) => {
        let settings;
        try {
          settings = settingsOf(options as never, defaults as never);
        } catch (error) {
          expect(error).toBeInstanceOf(DaceConfigurationError);
          const { problems, message } = error as DaceConfigurationError;
          expect(problems.length).toBeGreaterThan(0);
          for (const problem of problems)
            expect(message).toContain(problem.message);
          return;
        }
        sound += 1;
        // What is the user's own is passed through and none of our numbers.
        const { fallback: _f, loadBalancer: _l, http, ...own } = settings;
        expect(
          numbersIn({ ...own, http: { ...http, tls: undefined } }),
        ).not.toContain(NaN);
        expect(settings.attemptTimeoutMs).toBeLessThanOrEqual(
          settings.timeoutMs,
        );
      }),
      { numRuns: 5_000 },
    );
    expect(sound).toBeGreaterThan(100);
  });
});
