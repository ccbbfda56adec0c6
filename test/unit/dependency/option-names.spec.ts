import { describe, expect, it } from 'vitest';
import { DaceConfigurationError } from '../../../lib/core/errors.js';
import { checkCallOptions } from '../../../lib/dependency/option-schema.js';
import { resolveSettings } from '../../../lib/dependency/resolve-settings.js';

const messageOf = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    if (error instanceof DaceConfigurationError)
      return error.problems.map(({ message }) => message).join('\n');
    throw error;
  }
  return 'nothing was wrong';
};
const told = (options: object): string =>
  messageOf(() => resolveSettings('a', options));
const toldOfCall = (options: object): string =>
  messageOf(() => checkCallOptions('a', options));

describe('An unknown name', () => {
  it.each([
    [{ timeout: 1 }, 'unknown option "timeout": did you mean "timeoutMs"?'],
    [{ timeoutms: 1 }, 'did you mean "timeoutMs"?'],
    [{ timoutMs: 1 }, 'did you mean "timeoutMs"?'],
    [{ retries: 1 }, 'did you mean "retry"?'],
    [{ maxRetries: 1 }, 'did you mean "retry.attempts"?'],
    [{ max_retries: 1 }, 'did you mean "retry.attempts"?'],
    [{ resetTimeout: 1 }, 'did you mean "circuit.resetTimeoutMs"?'],
    [{ bulkhead: 1 }, 'did you mean "maxOpenPerNetloc"?'],
    [{ url: 1 }, 'did you mean "hosts"?'],
    [{ baseURL: 1 }, 'did you mean "hosts"?'],
    [{ errorThresholdPercentage: 50 }, 'failureRatio({ ratio })'],
    [{ volumeThreshold: 5 }, 'failureRatio({ minimumCalls })'],
    [{ circuit: { slowCallRateThreshold: 50 } }, 'slowRatio({ ratio })'],
    [{ circuit: { slidingWindowSize: 50 } }, 'failureRatio({ windowCalls })'],
    [{ circuit: { outlierDetection: {} } }, 'outlier()'],
    [{ circuit: { passingTime: 5 } }, 'ramp({ recoveryMs, graceMs })'],
    [{ circuit: { breakDuration: 5 } }, '"circuit.resetTimeoutMs"'],
    [{ circuit: { maxFail: 5 } }, 'errorCount({ maxFail, windowMs })'],
    [{ circuit: { timeout: 5 } }, 'did you mean "circuit.resetTimeoutMs"?'],
    [
      { circuit: { resetTimoutMs: 5 } },
      'unknown option "circuit.resetTimoutMs": did you mean "circuit.resetTimeoutMs"?',
    ],
    [{ retry: { retries: 5 } }, 'did you mean "retry.attempts"?'],
    [{ retry: { backoff: { delay: 5 } } }, '"retry.backoff.delayMs"?'],
    [{ http: { ca: 5 } }, 'did you mean "http.tls.ca"?'],
    [{ http: { timeout: 5 } }, 'did you mean "timeoutMs"?'],
    [{ statsd: {} }, 'it is an option of the module'],
    [{ name: 'a' }, 'the key that the options stand under'],
    [{ connectTimoutMs: 5 }, 'did you mean "http.connectTimeoutMs"?'],
    [{ circuit: { xyz: 5 } }, 'known are trip, recovery, resetTimeoutMs'],
  ])('%j is answered by the likely one', (options, text) => {
    expect(told(options)).toContain(text);
  });

  it.each([
    [{ resetTimeoutMs: 1 }, '"resetTimeoutMs": it belongs in circuit'],
    [{ attempts: 1 }, 'it belongs in retry'],
    [{ poolSize: 1 }, 'it belongs in http'],
    [{ factor: 1 }, 'it belongs in retry.backoff or circuit.resetBackoff'],
    [{ circuit: { attempts: 5 } }, 'it belongs in retry'],
    [{ signal: 1 }, 'it is an option of one call'],
  ])('%j is shown its level', (options, text) => {
    expect(told(options)).toContain(text);
  });

  it('that belongs to the top is led there', () => {
    expect(told({ circuit: { timeoutMs: 5 } })).toContain(
      'circuit.resetTimeoutMs',
    );
    expect(told({ http: { hosts: ['a'] } })).toBe(
      'unknown option "http.hosts": it belongs at the top, beside http',
    );
  });

  it.each([
    ['{"__proto__":{"timeoutMs":1}}', '__proto__'],
    ['{"constructor":{}}', 'constructor'],
    ['{"prototype":{}}', 'prototype'],
    ['{"circuit":{"__proto__":{}}}', 'circuit.__proto__'],
  ])('%s is refused', (json, path) => {
    expect(told(JSON.parse(json))).toBe(
      `option "${path}" is refused: it is no name`,
    );
    expect(({} as { timeoutMs?: number }).timeoutMs).toBeUndefined();
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    '%s is no header either',
    (name) => {
      const headers = JSON.parse(`{"${name}":"x"}`) as object;

      expect(told({ http: { headers } })).toContain('no name of a header');
    },
  );

  it('is no name that an object has by itself', () => {
    expect(told({ toString: 1, hasOwnProperty: 2 })).toMatch(
      /unknown option "toString": .*\n.*unknown option "hasOwnProperty": /,
    );
  });

  it('that is undefined is as if absent', () => {
    expect(told({ timeout: undefined })).toBe('nothing was wrong');
  });
});

describe('An unknown name in the options of a call', () => {
  it.each([
    [{ timeout: 1 }, 'unknown option "timeout": did you mean "timeoutMs"?'],
    [{ circuit: false }, 'it is an option of the dependency, not of one call'],
    [{ hosts: [] }, 'it is an option of the dependency, not of one call'],
    [{ attempts: 2 }, 'it belongs in retry'],
    [{ retry: { attemps: 2 } }, 'did you mean "retry.attempts"?'],
    [{ xyz: 2 }, 'known are signal, fallback, timeoutMs'],
  ])('%j is answered', (options, text) => {
    expect(toldOfCall(options)).toContain(text);
  });

  it('is never answered by an option that a call does not have', () => {
    expect(toldOfCall({ url: 'x' })).not.toContain('hosts');
    expect(toldOfCall({ bulkhead: 'x' })).not.toContain('maxOpenPerNetloc');
  });
});
