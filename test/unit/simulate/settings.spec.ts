import { describe, expect, it } from 'vitest';
import { printed } from '../../../lib/simulate/printed.js';
import { comparedWith, settingOf } from '../../../lib/simulate/settings.js';
import { withRules } from '../../../lib/simulate/written-rules.js';
import { ramp } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  failureRatio,
} from '../../../lib/circuit/trip-rules.js';

const base = {
  name: 'base',
  seconds: 30,
  seed: 5,
  options: { timeoutMs: 900, retry: { attempts: 2 } },
};

describe('A setting to compare with', () => {
  it('is the first with what differs laid over it', () => {
    const { label, scenario } = comparedWith(
      { name: 'first', value: base },
      { name: 'other', value: { options: { retry: { onTimeout: true } } } },
    );

    expect(label).toBe('other');
    expect(scenario).toEqual({
      ...base,
      name: 'other',
      description: undefined,
      options: { timeoutMs: 900, retry: { attempts: 2, onTimeout: true } },
    });
  });

  it('stands for itself if it says how long it lasts, but for the seed', () => {
    const { scenario } = comparedWith(
      { name: 'first', value: base },
      { name: 'other', value: { seconds: 10 } },
    );

    expect(scenario).toEqual({ name: 'other', seconds: 10, seed: 5 });
  });

  it('gets the seed of the command line like the first', () => {
    const other = comparedWith(
      { name: 'first', value: base },
      { name: 'other', value: { seconds: 10, seed: 6 } },
      9,
    );

    expect(other.scenario.seed).toBe(9);
    expect(settingOf({ name: 'first', value: base }, 9).scenario.seed).toBe(9);
  });

  it.each([null, 5, 'x', [base]])('is not made of %j', (value) => {
    expect(() => settingOf({ name: 'wrong', value })).toThrow(
      'wrong is no scenario: expected an object',
    );
  });
});

describe('Rules that are written as data', () => {
  it('become the rules', () => {
    const { circuit } = withRules({
      circuit: {
        trip: [{ failureRatio: { ratio: 0.3 } }, { consecutiveFailures: 7 }],
        recovery: { probes: { calls: 3, successes: 2 } },
      },
    }) as {
      circuit: { trip: { name: string; trips: Function }[]; recovery: unknown };
    };

    expect(circuit.trip.map(({ name }) => name)).toEqual([
      'failureRatio',
      'consecutiveFailures',
    ]);
    const counts = { calls: 10, failures: 3, slow: 0, consecutiveFailures: 0 };
    expect(circuit.trip[0]!.trips({ ...counts, failureRatio: 0.3 })).toBe(true);
    expect(circuit.trip[0]!.trips({ ...counts, failureRatio: 0.2 })).toBe(
      false,
    );
    expect(circuit.recovery).toEqual({
      kind: 'probes',
      calls: 3,
      successes: 2,
    });
  });

  it('may be named alone where the defaults will do', () => {
    const { circuit } = withRules({ circuit: { trip: 'failureRatio' } }) as {
      circuit: { trip: { windowMs: number } };
    };

    expect(circuit.trip.windowMs).toBe(10_000);
  });

  it('say what is wrong with them', () => {
    expect(() =>
      withRules({ circuit: { trip: { failureRatio: { ratio: 2 } } } }),
    ).toThrow(/failureRatio.*ratio/);
  });

  it('leave what is none as it is', () => {
    const rule = failureRatio();
    const options = { circuit: { trip: [rule, { name: 'mine' }, 5] } };

    expect(withRules(options)).toEqual(options);
    expect(withRules({ circuit: false })).toEqual({ circuit: false });
    expect(withRules(undefined)).toBe(undefined);
  });
});

describe('Printed options', () => {
  it('read as they were written', () => {
    expect(
      printed({
        timeoutMs: 5,
        fallback: 'one that is so long that it needs a line for itself alone',
        circuit: { trip: [failureRatio()], recovery: ramp() },
      }),
    ).toBe(`{
  timeoutMs: 5,
  fallback: "one that is so long that it needs a line for itself alone",
  circuit: {
    trip: [failureRatio({ windowMs: 10000 }, …)],
    recovery: ramp({ recoveryMs: 10000, graceMs: 10000, ratio: 0.5, minimumCalls: 10 }),
  },
}`);
  });

  it('say of a rule no more than can be seen', () => {
    expect(printed({ circuit: { trip: consecutiveFailures(5) } })).toBe(
      '{ circuit: { trip: consecutiveFailures(…) } }',
    );
  });

  it('stay on one line where there is room', () => {
    expect(printed({ retry: { attempts: 2 }, 'x-y': [1, 2] })).toBe(
      '{ retry: { attempts: 2 }, "x-y": [1, 2] }',
    );
  });

  it('show no secret', () => {
    const text = printed({
      hosts: ['https://user:hush1@a.example:443'],
      http: {
        headers: { Authorization: 'hush2', 'x-api-key': 'hush3' },
        secretHeaders: ['x-api-key'],
        tls: { key: 'hush4' },
      },
    });

    expect(text).not.toContain('hush');
    expect(text).toContain('secretHeaders: ["x-api-key"]');
  });

  it('end where they contain themselves', () => {
    const options: Record<string, unknown> = {};
    options['http'] = { options };

    expect(printed(options)).toBe('{ http: { options: … } }');
  });

  it('name functions and instances', () => {
    class Nearest {
      readonly zone = 'a';
    }
    expect(
      printed({ classify: failureRatio, loadBalancer: new Nearest() }),
    ).toBe('{ classify: failureRatio(), loadBalancer: Nearest { zone: "a" } }');
  });
});
