import { describe, expect, it } from 'vitest';
import {
  isAskedFor,
  isSafeToRepeat,
  type FailedAttempt,
} from '../../../lib/retry/retryable.js';

const failed = (changes: Partial<FailedAttempt> = {}): FailedAttempt => ({
  verdict: 'failure',
  sent: 'nothing',
  isAttemptTimeout: false,
  isConnect: false,
  isTransport: false,
  ...changes,
});
const usual = { onTimeout: false, idempotent: false };
const onTimeout = { onTimeout: true, idempotent: false };
const idempotent = { onTimeout: false, idempotent: true };
const both = { onTimeout: true, idempotent: true };

const never = failed({ isConnect: true, isTransport: true });
const status = failed({ isTransport: true });
const timeout = failed({ isAttemptTimeout: true });

/** DESIGN §6, row by row: what failed, what it had sent, under which options. */
describe('A failed attempt is repeated', () => {
  it.each([
    ['a connection never made', { ...never }, usual],
    ['… for a safe request', { ...never, sent: 'safe' }, usual],
    ['a 5xx of a safe request', { ...status, sent: 'safe' }, usual],
    [
      'a throttled safe request',
      { ...status, sent: 'safe', verdict: 'throttled' },
      usual,
    ],
    ['a timeout of opaque work, with onTimeout', timeout, onTimeout],
    ['… of a safe request', { ...timeout, sent: 'safe' }, onTimeout],
    [
      '… of an unsafe one said to be idempotent',
      { ...timeout, sent: 'unsafe' },
      both,
    ],
    [
      'a 5xx of an unsafe request said to be idempotent',
      { ...status, sent: 'unsafe' },
      idempotent,
    ],
    [
      'a connection never made after something unsafe, said to be idempotent',
      { ...never, sent: 'unsafe' },
      idempotent,
    ],
    ['any failure of opaque work said to be idempotent', failed(), idempotent],
  ] as [string, FailedAttempt, typeof usual][])('%s', (_, attempt, options) => {
    expect(isSafeToRepeat(attempt, options)).toBe(true);
  });
});

describe('A failed attempt is not repeated', () => {
  it.each([
    ['a plain error of opaque work', failed(), usual],
    ['a plain error after a safe request', failed({ sent: 'safe' }), usual],
    ['a network error of opaque work', status, usual],
    ['a 5xx of an unsafe request', { ...status, sent: 'unsafe' }, usual],
    ['… throttled', { ...status, sent: 'unsafe', verdict: 'throttled' }, usual],
    [
      'a connection never made after something unsafe',
      { ...never, sent: 'unsafe' },
      usual,
    ],
    ['a timeout without onTimeout', timeout, usual],
    ['… of a safe request', { ...timeout, sent: 'safe' }, usual],
    ['… said to be idempotent', timeout, idempotent],
    [
      'a timeout of an unsafe request, with onTimeout',
      { ...timeout, sent: 'unsafe' },
      onTimeout,
    ],
    ['what was ignored', { ...status, sent: 'safe', verdict: 'ignored' }, both],
    ['what we refused ourselves', { ...never, verdict: 'local' }, both],
    ['a success', { ...status, sent: 'safe', verdict: 'success' }, both],
  ] as [string, FailedAttempt, typeof usual][])('%s', (_, attempt, options) => {
    expect(isSafeToRepeat(attempt, options)).toBe(false);
  });
});

class Flaky extends Error {}
class Flakier extends Flaky {}
class Odd {
  readonly code = 7;
}

describe('retry.on', () => {
  it.each([
    ['is absent', undefined, new Flaky(), true, false],
    ['is any, of what counts as a failure', 'any', new Flaky(), true, true],
    ['is any, of what does not', 'any', new Flaky(), false, false],
    ['is the class of the error', Flaky, new Flaky(), true, true],
    ['is a class above it', Flaky, new Flakier(), true, true],
    ['is a class below it', Flakier, new Flaky(), true, false],
    ['is Error itself', Error, new Flaky(), true, true],
    ['is a class that is no Error', Odd, new Odd(), true, true],
    ['is such a class, of another error', Odd, new Flaky(), true, false],
    ['is one of a list', [TypeError, Flaky], new Flaky(), true, true],
    ['is none of a list', [TypeError, Odd], new Flaky(), true, false],
    ['is an empty list', [], new Flaky(), true, false],
    ['is a class, and the error was ignored', Flaky, new Flaky(), false, true],
    ['says yes', () => true, new Flaky(), false, true],
    ['says no', () => false, new Flaky(), true, false],
    [
      'says yes of a result',
      (outcome: unknown) => outcome === 'pending',
      'pending',
      false,
      true,
    ],
    [
      'says something that is not yes',
      (() => 'yes') as unknown as () => boolean,
      new Flaky(),
      true,
      false,
    ],
  ] as const)('that %s', (_, on, outcome, isCountedFailure, expected) => {
    expect(isAskedFor(on, outcome, isCountedFailure)).toBe(expected);
  });

  it('hears of what a predicate throws', () => {
    const fault = new Error('in the predicate');
    const on = () => {
      throw fault;
    };

    expect(() => isAskedFor(on, new Flaky(), true)).toThrow(fault);
  });

  it.each([
    ['arrow', (outcome: unknown) => outcome === 1],
    // An old-style function has a prototype, and is still a predicate.
    [
      'old-style',
      function predicate(outcome: unknown) {
        return outcome === 1;
      },
    ],
    [
      'class-naming',
      (outcome: unknown) => `class ${String(outcome)}` === 'class 1',
    ],
  ])('takes a %s function for a predicate', (_, on) => {
    expect(isAskedFor(on, 1, false)).toBe(true);
    expect(isAskedFor(on, 2, true)).toBe(false);
  });
});
