import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  firstFailure,
  type BalancerFunction,
} from '../../lib/core.js';
import {
  errorOf,
  expectRest,
  fail,
  gate,
  refusedConnection,
  subject,
  watch,
} from '../support/core-toolkit.js';

/** Answers one after the other, and counts how often it was asked. */
function answers(
  netlocs: readonly string[],
  isAsync = false,
): { ask: BalancerFunction; readonly asked: number } {
  let asked = 0;
  const next = (): [string, string] => [
    'http',
    netlocs[asked++ % netlocs.length]!,
  ];
  return {
    ask: () => (isAsync ? Promise.resolve(next()) : next()),
    get asked() {
      return asked;
    },
  };
}

describe.each([
  ['at once', false],
  ['later', true],
])('A balancer function that answers %s', (_when, isAsync) => {
  it('says where each attempt goes', async () => {
    const balancer = answers(['a', 'B:8080'], isAsync);
    const rig = subject({ loadBalancer: balancer.ask });
    const see = () => rig.dependency.execute((call) => call.netloc);
    expect([await see(), await see(), await see()]).toEqual([
      'a:80',
      'b:8080',
      'a:80',
    ]);
    expect(balancer.asked).toBe(3);
    expect(rig.dependency.snapshot().hosts.map((host) => host.netloc)).toEqual([
      'a:80',
      'b:8080',
    ]);
    expectRest(rig);
  });

  it('is asked again for a tried answer', async () => {
    const balancer = answers(['a', 'a', 'b'], isAsync);
    const rig = subject({ loadBalancer: balancer.ask });
    const seen: unknown[] = [];
    const call = watch(
      rig.dependency.execute((each) => {
        seen.push(each.netloc);
        if (each.attempt === 1) throw refusedConnection();
        return 'ok';
      }),
    );
    await rig.clock.advance(1);
    expect(call.value).toBe('ok');
    expect(seen).toEqual(['a:80', 'b:80']);
    expect(balancer.asked).toBe(3);
  });

  it('is asked at most attempts times for one attempt, and a tried answer is taken then', async () => {
    const balancer = answers(['a'], isAsync);
    const rig = subject({
      loadBalancer: balancer.ask,
      retry: { attempts: 2, budget: false },
    });
    const seen: unknown[] = [];
    const call = watch(
      rig.dependency.execute((each) => {
        seen.push(each.netloc);
        if (each.attempt === 1) throw refusedConnection();
        return 'ok';
      }),
    );
    await rig.clock.advance(1);
    expect(call.value).toBe('ok');
    expect(seen).toEqual(['a:80', 'a:80']);
    expect(balancer.asked).toBe(1 + 2);
  });

  it('is asked again for an answer that is out', async () => {
    const balancer = answers(['a', 'b'], isAsync);
    const rig = subject({
      loadBalancer: balancer.ask,
      circuit: { trip: firstFailure() },
      retry: false,
    });
    await rig.dependency.execute(() => 'a');
    await rig.dependency.execute(() => 'b');
    await fail(rig.dependency, 1);
    expect(rig.dependency.snapshot().hosts[0]).toMatchObject({
      netloc: 'a:80',
      inService: false,
    });
    rig.dependency.configure({ retry: { attempts: 3 } });
    // It answers b, then a which is out and is asked for again.
    const see = () => rig.dependency.execute((call) => call.netloc);
    expect([await see(), await see()]).toEqual(['b:80', 'b:80']);
  });

  it('is refused when every answer is out', async () => {
    const balancer = answers(['b', 'a'], isAsync);
    const rig = subject({
      loadBalancer: balancer.ask,
      circuit: { trip: firstFailure() },
      retry: false,
    });
    await rig.dependency.execute(() => 'b');
    await fail(rig.dependency, 1);
    const only = answers(['a'], isAsync);
    rig.dependency.configure({
      loadBalancer: only.ask,
      retry: { attempts: 3 },
    });
    const error = await errorOf(rig.dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error.netloc).toBe('a:80');
    expect(only.asked).toBe(3);
    expect(rig.dependency.snapshot().totals.refused).toBe(1);
    expectRest(rig);
  });

  it('takes https by its word', async () => {
    const ask: BalancerFunction = isAsync
      ? () => Promise.resolve(['https', 'a:8443'])
      : () => ['https', 'a:8443'];
    const { dependency } = subject({ loadBalancer: ask });
    expect(
      await dependency.execute(({ protocol, baseUrl }) => [protocol, baseUrl]),
    ).toEqual(['https', 'https://a:8443']);
  });

  it.each([
    ['nothing', undefined],
    ['a host alone', 'a'],
    ['an unknown protocol', ['ftp', 'a']],
    ['a pair of nothing', [undefined, undefined]],
  ])('that says %s fails the call and no more', async (_what, answer) => {
    const ask = (() =>
      isAsync ? Promise.resolve(answer) : answer) as () => any;
    const rig = subject({ loadBalancer: ask });
    const call = watch(rig.dependency.execute(() => 'ok'));
    await rig.clock.advance(0);
    expect(call.error).toBeInstanceOf(DaceConfigurationError);
    expectRest(rig);
  });

  it('that fails fails the call with its error', async () => {
    const ask = (): never => {
      throw new Error('no idea');
    };
    const rig = subject({
      loadBalancer: isAsync ? () => Promise.reject(new Error('no idea')) : ask,
    });
    const call = watch(rig.dependency.execute(() => 'ok'));
    await rig.clock.advance(0);
    expect(call.error).toMatchObject({ message: 'no idea' });
    expectRest(rig);
  });

  it('that fails has the fallback answer', async () => {
    const ask = (): never => {
      throw new Error('no idea');
    };
    const rig = subject({
      loadBalancer: isAsync ? () => Promise.reject(new Error('no idea')) : ask,
    });
    expect(await rig.dependency.execute(() => 'ok', { fallback: 'f' })).toBe(
      'f',
    );
  });
});

describe('An async balancer function', () => {
  it('is asked inside the deadline', async () => {
    const rig = subject({
      loadBalancer: () => new Promise<[string, string]>(() => {}),
      timeoutMs: 50,
    });
    let ran = false;
    const call = watch(
      rig.dependency.execute(() => {
        ran = true;
      }),
    );
    await rig.clock.advance(49);
    expect(call.state).toBe('pending');
    await rig.clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'DACE_TIMEOUT',
      kind: 'operation',
    });
    expect(ran).toBe(false);
    expect(rig.dependency.snapshot().totals.refused).toBe(1);
    expectRest(rig);
  });

  it('that answers too late is not listened to', async () => {
    const choice = gate<[string, string]>();
    const rig = subject({ loadBalancer: () => choice.promise, timeoutMs: 50 });
    let ran = false;
    const call = watch(
      rig.dependency.execute(() => {
        ran = true;
      }),
    );
    await rig.clock.advance(50);
    choice.resolve(['http', 'a']);
    await rig.clock.advance(0);
    expect(call.state).toBe('rejected');
    expect(ran).toBe(false);
    expectRest(rig);
  });

  it('takes its time from the attempt', async () => {
    const choice = gate<[string, string]>();
    const rig = subject({ loadBalancer: () => choice.promise, timeoutMs: 50 });
    const call = watch(rig.dependency.execute((each) => each.remainingMs()));
    await rig.clock.advance(20);
    choice.resolve(['http', 'a']);
    await rig.clock.advance(0);
    expect(call.value).toBe(30);
  });

  it('of an open dependency is not asked', async () => {
    const balancer = answers(['a'], true);
    const rig = subject({ loadBalancer: balancer.ask });
    rig.dependency.control('forced-open');
    expect(await errorOf(rig.dependency.execute(() => ''))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    expect(balancer.asked).toBe(0);
  });
});

describe('A balancer function of many netlocs', () => {
  it('is bounded like pinned peers', async () => {
    let n = 0;
    const rig = subject({ loadBalancer: () => ['http', `host-${n++}`] });
    for (let call = 0; call < 1_500; call++)
      await rig.dependency.execute(() => '');
    expect(rig.dependency.snapshot().hosts.length).toBeLessThanOrEqual(1_000);
    expectRest(rig);
  });
});
