import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceForeignHostError,
  DaceNoHostsError,
  DaceRateLimitedError,
  DaceRetryExhaustedError,
  DaceRetryRequestedError,
  DaceShutdownError,
  DaceTimeoutError,
  isDaceError,
  isTimeout,
  setCause,
  type DaceError,
  type TimeoutKind,
} from '../../../lib/core/errors.js';

const dependencyId = 'payments';
const netloc = 'a:80';
const of = { dependencyId };
const at = { dependencyId, netloc };

const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** One of each, with its code and status, and whether it carries a stack. */
const EACH: [string, () => DaceError, string, number, boolean][] = [
  [
    'DaceCircuitOpenError',
    () => new DaceCircuitOpenError(of),
    'DACE_CIRCUIT_OPEN',
    503,
    false,
  ],
  [
    'DaceRateLimitedError',
    () =>
      new DaceRateLimitedError({ ...of, option: 'maxOpenPerNetloc', limit: 1 }),
    'DACE_RATE_LIMITED',
    503,
    false,
  ],
  [
    'DaceTimeoutError',
    () => new DaceTimeoutError({ ...of, timeoutMs: 1, kind: 'attempt' }),
    'DACE_TIMEOUT',
    504,
    false,
  ],
  [
    'DaceRetryExhaustedError',
    () => new DaceRetryExhaustedError({ ...of, attempts: 3 }),
    'DACE_RETRY_EXHAUSTED',
    503,
    false,
  ],
  [
    'DaceRetryRequestedError',
    () => new DaceRetryRequestedError(of),
    'DACE_RETRY_REQUESTED',
    503,
    false,
  ],
  [
    'DaceNoHostsError',
    () => new DaceNoHostsError({ ...of, reason: 'the list is empty' }),
    'DACE_NO_HOSTS',
    503,
    false,
  ],
  [
    'DaceForeignHostError',
    () => new DaceForeignHostError({ ...of, reason: 'another host' }),
    'DACE_FOREIGN_HOST',
    500,
    true,
  ],
  [
    'DaceShutdownError',
    () => new DaceShutdownError(of),
    'DACE_SHUTDOWN',
    503,
    false,
  ],
  [
    'DaceConfigurationError',
    () => new DaceConfigurationError({ ...of, message: 'Wrong' }),
    'DACE_CONFIGURATION',
    500,
    true,
  ],
];

const hasFrames = (error: Error): boolean => /^\s+at /m.test(error.stack ?? '');

describe.each(EACH)('A %s', (name, make, code, status, hasStack) => {
  it('says what it is, to programs under both names of a status', () => {
    const error = make();

    expect(error).toMatchObject({
      name,
      code,
      dependencyId,
      status,
      statusCode: status,
    });
    expect(String(error)).toBe(`${name}: ${error.message}`);
  });

  it('keeps its message from clients', () => {
    expect(make().expose).toBe(false);
  });

  it(`has ${hasStack ? 'a' : 'no'} stack to show`, () => {
    expect(hasFrames(make())).toBe(hasStack);
  });

  it('has no field for what it does not know', () => {
    const error = make();

    for (const field of ['netloc', 'cause', 'retryAfterMs', 'lastFailure'])
      expect(Object.hasOwn(error, field)).toBe(false);
  });

  it('is told by its code from all others', () => {
    const error = make();

    expect(isDaceError(error)).toBe(true);
    expect(
      EACH.map(([, other]) => other())
        .filter((other) => isDaceError(other, error.code))
        .map((other) => other.name),
    ).toEqual([name]);
  });
});

describe('An error without a stack', () => {
  it('leaves those that come after it theirs', () => {
    const limit = Error.stackTraceLimit;

    const refusal = new DaceShutdownError(of);

    expect(hasFrames(refusal)).toBe(false);
    expect(Error.stackTraceLimit).toBe(limit);
    expect(hasFrames(new Error('next'))).toBe(true);
  });
});

describe('The name of an error', () => {
  it('is no own field, yet may be written over', () => {
    const error = new DaceShutdownError(of);
    expect(Object.keys(error)).not.toContain('name');
    expect(inspect(error)).toContain('DaceShutdownError');

    error.name = 'Renamed';

    expect(error.name).toBe('Renamed');
    expect(new DaceShutdownError(of).name).toBe('DaceShutdownError');
  });

  it('may be taken from its class and given another', () => {
    class Own extends DaceShutdownError {}
    Object.defineProperty(Own.prototype, 'name', { value: 'Own' });

    expect(new Own(of).name).toBe('Own');
    expect(
      Object.getOwnPropertyDescriptor(DaceShutdownError.prototype, 'name'),
    ).toMatchObject({ configurable: true, enumerable: false });
  });
});

describe('The cause of an error', () => {
  const cause = new Error('refused');

  it('is kept as the language keeps one: out of sight of those who list fields', () => {
    const error = new DaceShutdownError({ ...of, cause });

    expect(error.cause).toBe(cause);
    expect(Object.keys(error)).not.toContain('cause');
  });

  it('may be given later, and again', () => {
    const error = new DaceShutdownError(of);
    const other = new Error('reset');

    setCause(error, cause);
    setCause(error, other);
    expect(error.cause).toBe(other);
    error.cause = cause;

    expect(error.cause).toBe(cause);
    expect(Reflect.deleteProperty(error, 'cause')).toBe(true);
  });

  it('may be null: somebody threw it', () => {
    expect(
      Object.hasOwn(new DaceShutdownError({ ...of, cause: null }), 'cause'),
    ).toBe(true);
  });
});

describe('The sentence of an error', () => {
  const lastFailure = { name: 'TypeError', at: '2026-01-01T00:00:00.000Z' };

  it.each<[string, () => DaceError]>([
    ['Circuit of "payments" is open', () => new DaceCircuitOpenError(of)],
    [
      'Circuit of "payments" (a:80) is half-open',
      () => new DaceCircuitOpenError({ ...at, state: 'half-open' }),
    ],
    [
      'No room for another call to "payments" (a:80): maxOpenPerNetloc is 7',
      () =>
        new DaceRateLimitedError({
          ...at,
          option: 'maxOpenPerNetloc',
          limit: 7,
        }),
    ],
    [
      'The work asked for another attempt at "payments" (a:80)',
      () => new DaceRetryRequestedError(at),
    ],
    [
      'No host of "payments" can be asked: the list is empty',
      () => new DaceNoHostsError({ ...of, reason: 'the list is empty' }),
    ],
    [
      'A request of "payments" (a:80) was stopped: b:80 is none of its hosts',
      () =>
        new DaceForeignHostError({
          ...at,
          reason: 'b:80 is none of its hosts',
        }),
    ],
    [
      '"payments" is shut down and takes no more calls',
      () => new DaceShutdownError(of),
    ],
    ['Wrong', () => new DaceConfigurationError({ ...of, message: 'Wrong' })],
  ])('reads: %s', (sentence, make) => {
    const error = make();

    expect(error.message).toBe(sentence);
    expect(error.netloc).toBe(sentence.includes('(') ? netloc : undefined);
  });

  it.each<[TimeoutKind, string]>([
    ['attempt', 'An attempt at'],
    ['operation', 'The call to'],
    ['connect', 'Connecting to'],
    ['queue', 'Waiting for a permit of'],
  ])('tells a timeout of the kind %s from the others', (kind, subject) => {
    const error = new DaceTimeoutError({ ...at, timeoutMs: 250, kind });

    expect(error.message).toBe(
      `${subject} "payments" (a:80) took longer than 250 ms`,
    );
    expect(error).toMatchObject({ kind, timeoutMs: 250 });
  });

  it('of a timeout of nothing tells of the deadline that had passed', () => {
    const error = new DaceTimeoutError({
      ...at,
      timeoutMs: 0,
      kind: 'operation',
    });

    expect(error.message).toBe(
      'No time is left for a call to "payments" (a:80): the deadline it inherits has passed',
    );
  });

  it.each([
    [0, '0 ms'],
    [0.2, '1 ms'],
    [999, '999 ms'],
    [999.5, '1,000 ms'],
    [1_000, '1,000 ms'],
    [4_200, '4,200 ms'],
    [65_007, '65,007 ms'],
    [2_147_483_647, '2,147,483,647 ms'],
    [1_000_000, '1,000,000 ms'],
    [Infinity, 'Infinity ms'],
  ])('writes %d ms as %s', (retryAfterMs, written) => {
    const error = new DaceCircuitOpenError({ ...of, retryAfterMs });

    expect(error.message).toBe(
      `Circuit of "payments" is open; next probe in ${written}`,
    );
    expect(error.retryAfterMs).toBe(retryAfterMs);
  });

  it('of an open circuit leaves what failed last to a field', () => {
    const error = new DaceCircuitOpenError({ ...of, lastFailure });

    expect(error.lastFailure).toEqual(lastFailure);
    expect(error.message).not.toContain('TypeError');
  });

  it('of a full bucket leaves the wait to a field', () => {
    const limited = { ...of, option: 'rateLimit.limit', limit: 5 };

    expect(new DaceRateLimitedError(limited)).toMatchObject({ limit: 5 });
    expect(
      new DaceRateLimitedError({ ...limited, retryAfterMs: 0 }).retryAfterMs,
    ).toBe(0);
  });

  it('of wrong options comes with each problem apart', () => {
    const problems = [{ option: 'timeoutMs', message: 'expected a number' }];
    const message = 'Options of "payments": timeoutMs …';

    expect(
      new DaceConfigurationError({ ...of, message, problems }).problems,
    ).toEqual(problems);
    expect(new DaceConfigurationError({ ...of, message }).problems).toEqual([]);
  });
});

describe('Tries that are used up', () => {
  const after = (cause: unknown, attempts = 3) =>
    new DaceRetryExhaustedError({ ...at, attempts, cause });

  it.each<[string, unknown, number, string]>([
    ['end with the last words', new Error('reset'), 3, '3 attempts … : reset'],
    ['may be one', new Error('reset'), 1, '1 attempt … : reset'],
    ['end without words', new Error(''), 3, '3 attempts …'],
    ['end with a plain object', { message: 'gone' }, 2, '2 attempts … : gone'],
    ['end with a message of no text', { message: 7 }, 2, '2 attempts …'],
    ['end with a string', 'gone', 2, '2 attempts …'],
    ['end with null', null, 2, '2 attempts …'],
    ['end with nothing', undefined, 2, '2 attempts …'],
  ])('%s', (_, cause, attempts, sentence) => {
    const error = after(cause, attempts);

    expect(error.message).toBe(
      sentence.replace(' …', ' at "payments" (a:80) failed').replace(' :', ':'),
    );
    expect(error.attempts).toBe(attempts);
  });

  it('show the code of the cause, where it is one', () => {
    const coded = (code: unknown) => Object.assign(new Error(''), { code });

    expect(after(coded('ECONNRESET')).causeCode).toBe('ECONNRESET');
    for (const cause of [coded(7), new Error(''), null, undefined, 'gone'])
      expect(Object.hasOwn(after(cause), 'causeCode')).toBe(false);
  });

  it('are a bad gateway in time, or one that ran out of it', () => {
    const timeout = new DaceTimeoutError({
      ...of,
      timeoutMs: 1,
      kind: 'attempt',
    });

    expect(after(new Error('reset')).status).toBe(503);
    expect(after(timeout).status).toBe(504);
  });

  it('pass on what the dependency asked to wait', () => {
    const details = { ...of, attempts: 2, retryAfterMs: 1_500 };

    expect(new DaceRetryExhaustedError(details).retryAfterMs).toBe(1_500);
  });
});

describe('What ran out of time', () => {
  const asked = (cause: unknown) =>
    new DaceRetryRequestedError({ ...of, cause });
  const coded = (code: unknown) => ({ code });
  const itself = () => {
    const error = asked(undefined);
    setCause(error, error);
    return error;
  };

  it.each<[string, () => unknown]>([
    ['our own timeout', () => coded('DACE_TIMEOUT')],
    ['a socket', () => coded('ETIMEDOUT')],
    ['axios', () => coded('ECONNABORTED')],
    ['undici, connecting', () => coded('UND_ERR_CONNECT_TIMEOUT')],
    ['undici, waiting for headers', () => coded('UND_ERR_HEADERS_TIMEOUT')],
    ['undici, reading a body', () => coded('UND_ERR_BODY_TIMEOUT')],
    ['an AbortSignal.timeout', () => ({ name: 'TimeoutError' })],
    [
      'the reason of a call that asked for another attempt',
      () => asked(coded('ETIMEDOUT')),
    ],
  ])('is %s', (_, make) => {
    expect(isTimeout(make())).toBe(true);
  });

  it.each<[string, () => unknown]>([
    ['a refused connection', () => coded('ECONNREFUSED')],
    ['a code that is no text', () => coded(504)],
    ['an error by another name', () => ({ name: 'Error' })],
    ['null', () => null],
    ['nothing', () => undefined],
    ['a text', () => 'ETIMEDOUT'],
    [
      'a function of that name',
      () => Object.assign(() => 0, { code: 'ETIMEDOUT' }),
    ],
    [
      'an error whose cause did',
      () => new Error('', { cause: coded('ETIMEDOUT') }),
    ],
    [
      'a call that asked for another attempt without a reason',
      () => asked(undefined),
    ],
    ['one that is its own reason', itself],
    ['one that lets nobody look at it', revoked],
  ])('is not %s', (_, make) => {
    expect(isTimeout(make())).toBe(false);
  });
});

describe('isDaceError', () => {
  it('knows the errors of another copy of the package by their brand', () => {
    const foreign = Object.assign(new Error('refused'), {
      [Symbol.for('nestjs-dace.error')]: true,
      code: 'DACE_SHUTDOWN',
    });

    expect(isDaceError(foreign)).toBe(true);
    expect(isDaceError(foreign, 'DACE_SHUTDOWN')).toBe(true);
    expect(isDaceError(foreign, 'DACE_TIMEOUT')).toBe(false);
  });

  it.each([
    ['another error', new Error('refused')],
    ['one that only has the code', { code: 'DACE_SHUTDOWN' }],
    [
      'one whose brand is not quite one',
      { [Symbol.for('nestjs-dace.error')]: 1 },
    ],
    ['null', null],
    ['nothing', undefined],
    ['a text', 'DACE_SHUTDOWN'],
    [
      'a branded function',
      Object.assign(() => 0, { [Symbol.for('nestjs-dace.error')]: true }),
    ],
    ['one that lets nobody look at it', revoked()],
  ])('does not take %s for one', (_, value) => {
    expect(isDaceError(value)).toBe(false);
  });
});
