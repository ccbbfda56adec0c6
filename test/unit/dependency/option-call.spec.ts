import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DaceConfigurationError } from '../../../lib/core/errors.js';
import {
  areCallOptionsSound,
  checkCallOptions,
} from '../../../lib/dependency/option-schema.js';
import { nastyOptions } from './option-fuzz.js';

const SOUND: object[] = [
  {},
  { timeoutMs: 5, attemptTimeoutMs: 2_147_483_647 },
  { timeoutMs: false, attemptTimeoutMs: false },
  { timeoutMs: 5, attemptTimeoutMs: 10 },
  { timeoutMs: undefined, signal: undefined, retry: undefined },
  { signal: new AbortController().signal },
  { signal: AbortSignal.any([]) },
  { fallback: null },
  { fallback: () => 1 },
  { retry: false },
  { retry: { attempts: 1, sameHost: 0, onTimeout: true, on: 'any' } },
  { retry: { on: [Error], backoff: { delayMs: 5 }, budget: false } },
  {
    idempotent: true,
    netloc: 'a:80',
    expectedInMs: 1,
    classify: () => undefined,
  },
  { netloc: 'x'.repeat(255) },
  { cancelOnDisconnect: undefined, retry: { nope: undefined } },
  Object.assign(Object.create(null) as object, { timeoutMs: 5 }),
];

const WRONG: [unknown, string][] = [
  [null, 'options is null: expected an object'],
  [[], 'options is an empty array: expected an object'],
  [5, 'options is 5: expected an object'],
  [() => 1, 'expected an object'],
  [new (class Mine {})(), 'options is an instance of Mine'],
  [{ timeoutMs: 0 }, 'timeoutMs is 0: expected a finite number'],
  [{ timeoutMs: NaN }, 'timeoutMs is NaN'],
  [{ timeoutMs: Infinity }, 'timeoutMs is Infinity'],
  [{ timeoutMs: '5' }, 'use Number(…)'],
  [{ timeoutMs: null }, 'timeoutMs is null'],
  [{ attemptTimeoutMs: -5 }, 'attemptTimeoutMs is -5'],
  [{ signal: {} }, 'expected an AbortSignal'],
  [{ signal: null }, 'signal is null: expected an AbortSignal'],
  [{ signal: new AbortController() }, 'pass its .signal'],
  [{ retry: 3 }, 'write { attempts: 3 }'],
  [{ retry: null }, 'retry is null'],
  [{ retry: { attempts: 0 } }, 'retry.attempts is 0'],
  [{ retry: { sameHost: 1.5 } }, 'retry.sameHost is 1.5'],
  [{ retry: { on: [5] } }, 'retry.on[0] is 5'],
  [{ retry: { backoff: { delayMs: NaN } } }, 'retry.backoff.delayMs is NaN'],
  [{ retry: { backoff: false } }, 'retry.backoff is false: expected an object'],
  [{ retry: { nope: 1 } }, 'unknown option "retry.nope"'],
  [{ idempotent: 'yes' }, 'idempotent is "yes": expected true or false'],
  [{ netloc: '' }, 'netloc is "": expected a text of 1 to 255'],
  [{ netloc: 'x'.repeat(256) }, 'expected a text of 1 to 255'],
  [{ netloc: 5 }, 'netloc is 5: expected a text'],
  [{ expectedInMs: 0 }, 'expectedInMs is 0'],
  [{ classify: {} }, 'expected a function'],
];

describe('The options of a call', () => {
  it.each(SOUND)('%j are sound', (options) => {
    expect(areCallOptionsSound(options)).toBe(true);
    expect(() => checkCallOptions('a', options)).not.toThrow();
  });

  it.each(WRONG)('%j are told', (options, text) => {
    expect(areCallOptionsSound(options as never)).toBe(false);
    expect(() => checkCallOptions('a', options as never)).toThrow(text);
  });

  it('are told all at once', () => {
    const check = () =>
      checkCallOptions('a', {
        timeoutMs: 0,
        netloc: '',
        retry: { x: 1 },
      } as never);

    expect(check).toThrow(/^A call of "a" has 3 wrong options:\n/);
  });

  it('may carry a signal of another realm, found by the closer look', () => {
    const signal = {
      aborted: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    };

    expect(() => checkCallOptions('a', { signal } as never)).not.toThrow();
  });

  it('are never called sound where the full check finds something', () => {
    fc.assert(
      fc.property(nastyOptions, (options) => {
        const isSound = areCallOptionsSound(options as never);
        let error: unknown;
        try {
          checkCallOptions('a', options as never);
        } catch (thrown) {
          error = thrown;
          expect(error).toBeInstanceOf(DaceConfigurationError);
        }

        expect(isSound).toBe(error === undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});
