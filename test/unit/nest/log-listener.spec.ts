import { describe, expect, it, vi } from 'vitest';
import { createDependency, firstFailure, type DaceEvent } from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { createLogListener } from '../../../lib/telemetry/logger.js';

const noting = () => {
  const lines: string[] = [];
  const at = (level: string) => (message: string) =>
    void lines.push(`${level} ${message}`);
  return {
    lines,
    logger: {
      log: at('log'),
      warn: at('warn'),
      error: at('error'),
      debug: at('debug'),
    },
  };
};

const down = (): never => {
  throw Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    config: { headers: { authorization: 'Bearer secret' } },
  });
};

describe('The log of a dependency', () => {
  it('tells an outage from its first failure to its end', async () => {
    const { lines, logger } = noting();
    const clock = new ManualClock();
    const dependency = createDependency(
      'payments',
      {
        retry: false,
        circuit: { trip: firstFailure(), resetTimeoutMs: 1_500 },
      },
      { clock, logger },
    );
    const fail = () => dependency.execute(down).catch(() => {});
    await fail();
    await fail();
    await clock.advance(1_500);
    await dependency.execute(() => 'back');

    expect(lines).toEqual([
      'warn Circuit of "payments" opened by firstFailure; next probe in 1500 ms; last: ECONNREFUSED',
      'warn Call to "payments" failed: Error ECONNREFUSED: connect ECONNREFUSED',
      'debug Call to "payments" refused: DaceCircuitOpenError: Circuit of "payments" is open; next probe in 1,500 ms',
      'debug Circuit of "payments" is half-open: probing',
      'log Circuit of "payments" is closed again',
    ]);
    expect(lines.join()).not.toContain('secret');
  });

  it('tells failures once in ten seconds, with a count', async () => {
    const { lines, logger } = noting();
    const clock = new ManualClock();
    const dependency = createDependency(
      'payments',
      { retry: false, circuit: false },
      { clock, logger },
    );
    const fail = () => dependency.execute(down).catch(() => {});
    for (let call = 0; call < 5; call += 1) await fail();
    await clock.advance(9_999);
    await fail();
    expect(lines).toHaveLength(1);

    await clock.advance(1);
    await fail();

    expect(lines[1]).toMatch(/\(and 5 more before it\)$/);
  });

  it('counts refusals apart from failures', () => {
    const { lines, logger } = noting();
    const listener = createLogListener('payments', logger, new ManualClock());
    const event = (
      type: 'operation.failed' | 'operation.refused',
    ): DaceEvent => ({
      type,
      dependencyId: 'payments',
      error: new Error('x'),
    });
    for (const type of [
      'operation.refused',
      'operation.refused',
      'operation.failed',
    ] as const)
      listener(event(type));

    expect(lines).toEqual([
      'debug Call to "payments" refused: Error: x',
      'warn Call to "payments" failed: Error: x',
    ]);
  });

  it('names the netloc, the warning and what was thrown', () => {
    const { lines, logger } = noting();
    const clock = new ManualClock();
    const listener = createLogListener('payments', logger, clock);
    listener({
      type: 'circuit.closed',
      dependencyId: 'payments',
      netloc: 'a:80',
    });
    listener({
      type: 'warning',
      dependencyId: 'payments',
      message: 'classify threw',
      error: new TypeError('no'),
    });
    listener({
      type: 'operation.failed',
      dependencyId: 'payments',
      error: { password: 'secret' },
    });

    expect(lines).toEqual([
      'log Circuit of "payments" (a:80) is closed again',
      'warn "payments": classify threw (TypeError: no)',
      'warn Call to "payments" failed: object',
    ]);
  });

  it('changes nothing where the logger throws or knows no debug', async () => {
    const logger = {
      log: vi.fn(() => {
        throw new Error('disk full');
      }),
      warn: vi.fn(() => {
        throw new Error('disk full');
      }),
      error: vi.fn(),
    };
    const dependency = createDependency(
      'payments',
      { retry: false, circuit: { trip: firstFailure() } },
      { logger, clock: new ManualClock() },
    );

    await expect(dependency.execute(down)).rejects.toThrow('ECONNREFUSED');
    await expect(dependency.execute(down)).rejects.toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
    });
    expect(logger.warn).toHaveBeenCalled();
  });
});
