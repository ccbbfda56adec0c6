import { AxiosError, type AxiosResponse } from 'axios';
import { describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceTimeoutError,
  firstFailure,
  type DaceLogger,
  type Dependency,
  type DependencyOptions,
} from '../../../lib/core.js';
import { createLogListener } from '../../../lib/telemetry/logger.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

type Line = readonly [level: string, text: string];

function recorder(): { lines: Line[]; logger: DaceLogger } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (text: string): void => {
      lines.push([level, text]);
    };
  return {
    lines,
    logger: {
      log: at('log'),
      warn: at('warn'),
      error: at('error'),
      debug: at('debug'),
    },
  };
}

function subject(options: DependencyOptions) {
  const clock = new ManualClock();
  const { lines, logger } = recorder();
  const dependency = createDependency('payments', options, { clock, logger });
  return { clock, lines, dependency };
}

const fail = (
  dependency: Dependency,
  error: unknown = new Error('down'),
): Promise<unknown> =>
  dependency
    .execute(() => {
      throw error;
    })
    .catch((thrown: unknown) => thrown);

const levels = (lines: readonly Line[], level: string): string[] =>
  lines.filter(([name]) => name === level).map(([, text]) => text);

describe('The log of a dependency', () => {
  it('tells an outage in four lines: failed, opened, probing, closed', async () => {
    const { clock, lines, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 4_200 },
    });

    await fail(dependency);
    await clock.advance(4_200);
    await dependency.execute(() => 'back');

    expect(lines).toEqual([
      [
        'warn',
        'Circuit of "payments" opened by firstFailure (1 of 1 calls failed, 1 in a row); next probe in 4200 ms; last: Error',
      ],
      ['warn', 'Call to "payments" failed: Error: down'],
      ['debug', 'Circuit of "payments" is half-open: probing'],
      ['log', 'Circuit of "payments" is closed again'],
    ]);
  });

  it('is silent while all is well', async () => {
    const { lines, dependency } = subject({});

    for (let i = 0; i < 100; i++) await dependency.execute(() => i);

    expect(lines).toEqual([]);
  });

  it('tells one failed operation per ten seconds, and how many it left out', async () => {
    const { clock, lines, dependency } = subject({ circuit: false });

    for (let i = 0; i < 8; i++) await fail(dependency, new Error(`no. ${i}`));
    await clock.advance(9_999);
    await fail(dependency, new Error('early'));
    await clock.advance(1);
    await fail(dependency, new Error('late'));
    await fail(dependency, new Error('held'));

    expect(levels(lines, 'warn')).toEqual([
      'Call to "payments" failed: Error: no. 0',
      'Call to "payments" failed: Error: late (and 8 more before it)',
    ]);
  });

  it('tells refusals at debug, as seldom', async () => {
    const { lines, dependency } = subject({});
    dependency.control('forced-open');

    for (let i = 0; i < 5; i++) await fail(dependency);

    expect(levels(lines, 'debug')).toEqual([
      'Call to "payments" refused: DaceCircuitOpenError: Circuit of "payments" is forced-open',
    ]);
    expect(levels(lines, 'error')).toEqual([]);
  });

  it('names the host whose circuit it is', async () => {
    const { lines, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
      retry: false,
    });

    await dependency
      .execute(() => Promise.reject(new Error('x')), { netloc: 'a' })
      .catch(() => {});

    expect(levels(lines, 'warn')[0]).toMatch(
      /^Circuit of "payments" \(a:80\) opened by firstFailure/,
    );
  });

  it('says that an operator opened it', () => {
    const { lines, dependency } = subject({});

    dependency.control('forced-open');

    expect(levels(lines, 'warn')).toEqual([
      'Circuit of "payments" opened by an operator',
    ]);
  });

  it('says once what would have opened it', async () => {
    const { lines, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
    });
    dependency.control('metrics-only');

    for (let i = 0; i < 3; i++) await fail(dependency);

    expect(
      levels(lines, 'warn').filter((text) => text.includes('would')),
    ).toEqual([
      'Circuit of "payments" would be opened by firstFailure (1 of 1 calls failed, 1 in a row); metrics only',
    ]);
  });

  it('shows no token, whatever an error carries', async () => {
    const { lines, dependency } = subject({ circuit: false });
    const config = {
      headers: { authorization: 'Bearer tkn-1', cookie: 'tkn-2' },
      auth: { username: 'user', password: 'tkn-3' },
    } as unknown as AxiosResponse['config'];
    const response = {
      status: 500,
      data: { token: 'tkn-4' },
      headers: {},
      config,
    } as AxiosResponse;

    await fail(
      dependency,
      new AxiosError(
        'Request failed with status code 500',
        'ERR_BAD_RESPONSE',
        config,
        {},
        response,
      ),
    );

    expect(JSON.stringify(lines)).not.toContain('tkn-');
    expect(levels(lines, 'warn')[0]).toContain('AxiosError ERR_BAD_RESPONSE');
  });

  it('is one line for each thing told, whatever a message holds', async () => {
    const { lines, dependency } = subject({ circuit: false });

    await fail(dependency, new Error('one\ntwo\r\n[Nest] 1 - LOG forged'));

    expect(levels(lines, 'warn')[0]).not.toMatch(/[\r\n]/);
  });

  it('does not read what is thrown without being an Error', async () => {
    const { lines, dependency } = subject({ circuit: false });

    await fail(dependency, 'tkn-thrown');

    expect(levels(lines, 'warn')).toEqual([
      'Call to "payments" failed: string',
    ]);
  });
});

describe('A logger that fails', () => {
  const boom = (): never => {
    throw new Error('disk full');
  };
  const late = (): Promise<never> => Promise.reject(new Error('disk full'));

  it.each([
    ['throws', boom],
    ['rejects', late],
  ])('because it %s changes no call', async (_how, say) => {
    const clock = new ManualClock();
    const dependency = createDependency(
      'payments',
      { circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 } },
      { clock, logger: { log: say, warn: say, error: say, debug: say } },
    );
    const own = new Error('own');

    expect(await fail(dependency, own)).toBe(own);
    expect(dependency.snapshot().state).toBe('open');
    expect(await fail(dependency)).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    await clock.advance(1_000);
    expect(await dependency.execute(() => 'back')).toBe('back');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('because it has no debug is not asked for it', async () => {
    const { logger, lines } = recorder();
    const { log, warn, error } = logger;
    const dependency = createDependency(
      'payments',
      {},
      { clock: new ManualClock(), logger: { log, warn, error } },
    );
    dependency.control('forced-open');

    await fail(dependency);

    expect(lines.map(([level]) => level)).toEqual(['warn']);
  });
});

describe('A log listener', () => {
  it('puts the count on the next line that is due, of its own kind', () => {
    const clock = new ManualClock();
    const { lines, logger } = recorder();
    const listen = createLogListener('mail', logger, clock);
    const error = new DaceTimeoutError({
      dependencyId: 'mail',
      timeoutMs: 100,
      kind: 'attempt',
    });
    const failed = { type: 'operation.failed', dependencyId: 'mail' } as const;
    const refused = {
      type: 'operation.refused',
      dependencyId: 'mail',
    } as const;

    listen({ ...failed, error });
    listen({ ...failed, error });
    listen({ ...refused, error });

    expect(lines.map(([level]) => level)).toEqual(['warn', 'debug']);
    expect(lines[0]![1]).toMatch(/^Call to "mail" failed: DaceTimeoutError: /);
  });
});
