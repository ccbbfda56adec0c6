import { describe, expect, it } from 'vitest';
import { DaceConfigurationError } from '../../../lib/core.js';
import {
  simulate,
  type Scenario,
  type SimulateOptions,
} from '../../../lib/testing/index.js';

async function messageOf(
  scenario: unknown,
  options?: unknown,
): Promise<string> {
  const error: unknown = await simulate(
    scenario as Scenario,
    options as SimulateOptions,
  ).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DaceConfigurationError);
  return (error as Error).message;
}

const SPAN_TEXT = 'expected seconds, 0 or more';

describe('A scenario that is wrong', () => {
  it.each([
    [undefined, 'scenario is undefined: expected an object such as'],
    ['blip', 'scenario is "blip": expected an object such as'],
    [[], 'scenario is an empty array: expected an object such as'],
    [{}, 'seconds is undefined: expected whole seconds, 1 or more'],
    [{ seconds: 0 }, 'seconds is 0: expected whole seconds'],
    [{ seconds: 1.5 }, 'seconds is 1.5: expected whole seconds'],
    [{ seconds: NaN }, 'seconds is NaN: expected whole seconds'],
    [{ seconds: Infinity }, 'seconds is Infinity: expected whole seconds'],
    [{ seconds: '60' }, 'seconds is "60": expected whole seconds'],
    [{ seconds: 1, seed: -1 }, 'seed is -1: expected a whole number'],
    [{ seconds: 1, seed: 0.5 }, 'seed is 0.5: expected a whole number'],
    [{ seconds: 1, name: 5 }, 'name is 5: expected a text'],
    [
      { seconds: 1, traffic: -1 },
      'traffic is -1: expected operations a second',
    ],
    [{ seconds: 1, traffic: NaN }, 'traffic is NaN: expected operations'],
    [
      { seconds: 1, traffic: 'a lot' },
      'traffic is "a lot": expected operations',
    ],
    [
      { seconds: 1, traffic: [] },
      'traffic is an empty array: expected a phase',
    ],
    [
      { seconds: 1, traffic: [{ fromS: 0, perSecond: -3 }] },
      'traffic[0].perSecond is -3: expected operations a second',
    ],
    [
      { seconds: 1, traffic: [{ fromS: 0, perSecond: 3, arrivals: 'odd' }] },
      `traffic[0].arrivals is "odd": expected 'even' or 'poisson'`,
    ],
    [
      {
        seconds: 1,
        traffic: [
          { fromS: 5, perSecond: 1 },
          { fromS: 5, perSecond: 2 },
        ],
      },
      'traffic[1].fromS is 5: expected phases in order: after 5, the one before',
    ],
    [{ seconds: 1, hosts: {} }, 'hosts is an object: expected an array'],
    [{ seconds: 1, hosts: [] }, 'hosts is an empty array: expected a host'],
    [{ seconds: 1, hosts: ['a:80'] }, 'hosts[0] is "a:80": expected an object'],
    [
      { seconds: 1, hosts: [{ netloc: 'a b' }] },
      'hosts[0].netloc is "a b": expected an http or https URL',
    ],
    [
      { seconds: 1, hosts: [{ netloc: 'A' }, { netloc: 'a:80' }] },
      'hosts[1].netloc is "a:80" again',
    ],
    [
      { seconds: 1, hosts: [{ netloc: 'host-2' }, {}] },
      'hosts[1].netloc is "host-2:80" again',
    ],
    [
      { seconds: 1, hosts: [{ weight: 0 }] },
      'hosts[0].weight is 0: expected a finite number above 0',
    ],
    [
      { seconds: 1, hosts: [{ errorRatio: 30 }] },
      'hosts[0].errorRatio is 30: expected a number from 0 to 1',
    ],
    [
      { seconds: 1, hosts: [{ latencyMs: -5 }] },
      'hosts[0].latencyMs is -5: expected milliseconds',
    ],
    [
      { seconds: 1, hosts: [{ latencyMs: { p50: 50, p99: 20 } }] },
      'hosts[0].latencyMs is an object: expected milliseconds, 0 or more, or { p50, p99 }',
    ],
    [
      { seconds: 1, hosts: [{ latencyMs: { p50: 50, p95: 80 } }] },
      'hosts[0].latencyMs is an object: expected milliseconds, 0 or more, or { p50, p99 }',
    ],
    [
      { seconds: 1, hosts: [{ status: 200 }] },
      'hosts[0].status is 200: expected an HTTP status from 400 to 599',
    ],
    [
      { seconds: 1, hosts: [{ retryAfterS: 0.5 }] },
      'hosts[0].retryAfterS is 0.5: expected whole seconds',
    ],
    [
      { seconds: 1, hosts: [{ capacity: 0 }] },
      'hosts[0].capacity is 0: expected a whole number of at least 1',
    ],
    [
      { seconds: 1, hosts: [{ phases: [{ errorRatio: 1 }] }] },
      `hosts[0].phases[0].fromS is undefined: ${SPAN_TEXT}`,
    ],
    [
      { seconds: 1, hosts: [{ phases: [{ fromS: -1 }] }] },
      `hosts[0].phases[0].fromS is -1: ${SPAN_TEXT}`,
    ],
    [
      { seconds: 1, hosts: [{ phases: [{ fromS: 9 }, { fromS: 3 }] }] },
      'hosts[0].phases[1].fromS is 3: expected phases in order: after 9',
    ],
    [
      { seconds: 1, hosts: [{}], call: { netloc: 'b' } },
      'call.netloc is "b:80": expected a host of the scenario',
    ],
    [
      { seconds: 1, options: { hosts: ['a', 'b'] }, hosts: [{}] },
      'hosts has 1 and options.hosts 2: each host of the options is simulated by the profile in its place',
    ],
    [
      {
        seconds: 1,
        options: { hosts: ['a', 'b'] },
        hosts: [{}, { netloc: 'c' }],
      },
      'hosts[1].netloc is "c:80", but options.hosts[1] is "b:80": leave out one of the two',
    ],
  ])('%j is told: %s', async (scenario, message) => {
    expect(await messageOf(scenario)).toContain(message);
  });

  it.each([
    [{ secs: 60 }, 'unknown name "secs": did you mean "seconds"?'],
    [{ second: 60 }, 'unknown name "second": did you mean "seconds"?'],
    [{ host: [] }, 'unknown name "host": did you mean "hosts"?'],
    [{ timeoutMs: 5 }, 'unknown name "timeoutMs": it belongs in options'],
    [{ circuit: {} }, 'unknown name "circuit": it belongs in options'],
    [{ errorRatio: 1 }, 'unknown name "errorRatio": it belongs in hosts'],
    [{ qwertz: 1 }, 'unknown name "qwertz": known are name, description,'],
    [
      { traffic: [{ fromS: 0, perSec: 3 }] },
      'unknown name "traffic[0].perSec": did you mean "perSecond"?',
    ],
    [
      { hosts: [{ latency: 3 }] },
      'unknown name "hosts[0].latency": did you mean "latencyMs"?',
    ],
    [
      { hosts: [{ rampS: 3 }] },
      'unknown name "hosts[0].rampS": it belongs in phases',
    ],
    [
      { hosts: [{ phases: [{ fromSeconds: 3 }] }] },
      'unknown name "hosts[0].phases[0].fromSeconds": did you mean "fromS"?',
    ],
    [
      { hosts: [{ phases: [{ fromS: 3, weight: 3 }] }] },
      'unknown name "hosts[0].phases[0].weight": it belongs to the host, beside phases',
    ],
  ])('by a name, %j, is told: %s', async (scenario, message) => {
    expect(await messageOf({ seconds: 60, ...scenario })).toContain(message);
  });

  it('is told of everything at once, by its name', async () => {
    const message = await messageOf({
      name: 'mine',
      seconds: -1,
      seed: NaN,
      hosts: [{ hangRatio: 2, latencyMS: 5 }],
    });

    expect(message).toMatch(/^Scenario "mine" has 4 wrong options:\n/);
    expect(message.split('\n')).toHaveLength(5);
  });

  it('hears of its options what any dependency would', async () => {
    const message = await messageOf({
      seconds: 1,
      options: { timeout: 5, retry: { attempts: 0 } },
    });

    expect(message).toContain('Dependency "simulated" has 2 wrong options');
    expect(message).toContain('did you mean "timeoutMs"?');
  });

  it('hears of its call what any call would', async () => {
    const message = await messageOf({ seconds: 1, call: { timeoutMS: 5 } });

    expect(message).toContain('did you mean "timeoutMs"?');
  });

  it('is not begun', async () => {
    let heard = 0;
    const onSecond = (): void => void (heard += 1);

    await expect(
      simulate({ seconds: 3, hosts: [{ status: 99 }] }, { onSecond }),
    ).rejects.toThrow(DaceConfigurationError);

    expect(heard).toBe(0);
  });
});

describe('A simulation run with wrong options', () => {
  it('tells the name that was meant', async () => {
    const known = await messageOf({ seconds: 1 }, { onSeconds: () => {} });
    const strange = await messageOf({ seconds: 1 }, { seed: 5 });

    expect(known).toContain('"onSeconds": did you mean "onSecond"?');
    expect(strange).toContain('"seed": known are signal, onSecond');
  });
});

describe('A scenario that is right', () => {
  it.each<[string, Partial<Scenario>]>([
    ['with nothing but its length', {}],
    ['with undefined for absent', { name: undefined, hosts: undefined }],
    ['with a pinned call', { hosts: [{}], call: { netloc: 'HOST-1' } }],
    ['with an IPv6 host', { hosts: [{ netloc: '[::1]:8080' }] }],
    [
      'with hosts named twice alike',
      {
        options: { hosts: ['https://a/base'] },
        hosts: [{ netloc: 'a:443' }],
      },
    ],
    ['without traffic', { traffic: 0 }],
    [
      'that has a phase after its end',
      {
        hosts: [{ phases: [{ fromS: 99, errorRatio: 1 }] }],
      },
    ],
  ])('runs %s', async (_, scenario) => {
    const { seconds, totals } = await simulate({ seconds: 2, ...scenario });

    expect(seconds).toHaveLength(2);
    expect(totals.failed + totals.refused).toBe(0);
    expect(totals.started > 0).toBe(scenario.traffic !== 0);
  });
});
