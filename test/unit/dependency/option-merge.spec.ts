import { describe, expect, it } from 'vitest';
import { mergeOptions } from '../../../lib/dependency/option-merge.js';

describe('Options merged', () => {
  it('replace by key and leave the rest', () => {
    expect(
      mergeOptions({ timeoutMs: 1, critical: true }, { timeoutMs: 2 }),
    ).toEqual({ timeoutMs: 2, critical: true });
  });

  it('leave what a change gives as undefined', () => {
    expect(
      mergeOptions(
        { timeoutMs: 1, retry: { attempts: 2 } },
        { timeoutMs: undefined, retry: { attempts: undefined } },
      ),
    ).toEqual({ timeoutMs: 1, retry: { attempts: 2 } });
  });

  it('go into the objects of a stage', () => {
    expect(
      mergeOptions(
        {
          retry: { attempts: 2, backoff: { delayMs: 1 }, budget: { ratio: 1 } },
          circuit: { leaseMs: 1, resetBackoff: { factor: 2 } },
          rateLimit: { limit: 1, intervalMs: 2 },
          http: { poolSize: 1, headers: { a: '1', b: '2' } },
        },
        {
          retry: { backoff: { factor: 3 }, budget: { minRetries: 4 } },
          circuit: { resetBackoff: { jitter: 0.5 } },
          rateLimit: { limit: 5 } as never,
          http: { proxy: true, headers: { b: '3' } },
        },
      ),
    ).toEqual({
      retry: {
        attempts: 2,
        backoff: { delayMs: 1, factor: 3 },
        budget: { ratio: 1, minRetries: 4 },
      },
      circuit: { leaseMs: 1, resetBackoff: { factor: 2, jitter: 0.5 } },
      rateLimit: { limit: 5, intervalMs: 2 },
      http: { poolSize: 1, proxy: true, headers: { a: '1', b: '3' } },
    });
  });

  it('know a header by its name in any case', () => {
    expect(
      mergeOptions(
        { http: { headers: { Authorization: 'old' } } },
        { http: { headers: { authorization: 'new' } } },
      ),
    ).toEqual({ http: { headers: { authorization: 'new' } } });
  });

  it('replace hosts, rules and TLS as a whole', () => {
    const tls = { ca: 'b' };
    const trip = [() => true];

    const merged = mergeOptions(
      { hosts: ['a'], http: { tls: { cert: 'a' } }, circuit: { trip: [] } },
      { hosts: ['b'], http: { tls }, circuit: { trip } },
    );

    expect(merged.hosts).toEqual(['b']);
    expect(merged.http?.tls).toBe(tls);
    expect(merged.circuit).toEqual({ trip });
  });

  it('switch a stage off and on', () => {
    expect(mergeOptions({ retry: { attempts: 2 } }, { retry: false })).toEqual({
      retry: false,
    });
    expect(mergeOptions({ retry: false }, { retry: { attempts: 2 } })).toEqual({
      retry: { attempts: 2 },
    });
  });

  it('change neither side', () => {
    const base = Object.freeze({ retry: Object.freeze({ attempts: 1 }) });
    const changes = Object.freeze({ retry: Object.freeze({ sameHost: 1 }) });

    expect(mergeOptions(base, changes)).toEqual({
      retry: { attempts: 1, sameHost: 1 },
    });
  });

  it('take own keys only, and never a prototype', () => {
    const inherited = Object.create({ timeoutMs: 5 }) as object;
    const polluted = JSON.parse('{"__proto__":{"timeoutMs":5}}') as object;

    const merged = mergeOptions({}, polluted);

    expect(mergeOptions({}, { ...inherited })).toEqual({});
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(merged.timeoutMs).toBeUndefined();
    expect(Object.keys(merged)).toEqual(['__proto__']);
  });

  it.each([null, [], 5, 'x', new Map()])(
    'keep %s, to be refused by the check',
    (changes) => {
      expect(mergeOptions({ timeoutMs: 1 }, changes as never)).toBe(changes);
    },
  );
});
