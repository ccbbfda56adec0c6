import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceNoHostsError,
  DaceRateLimitedError,
  DaceShutdownError,
  firstFailure,
  probes,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  answered,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  gate,
  hang,
  subject,
  throwing,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

const RESET_MS = 1_000;

/** A dependency whose circuit has been open for its time. */
async function halfOpen(
  circuit: Exclude<DependencyOptions['circuit'], false> = {},
  options: DependencyOptions = {},
): Promise<Subject> {
  const rig = subject({
    circuit: { trip: firstFailure(), resetTimeoutMs: RESET_MS, ...circuit },
    ...options,
  });
  await fail(rig.dependency, 1);
  await rig.clock.advance(RESET_MS);
  return rig;
}

describe('A half-open circuit', () => {
  it('reads half-open before anybody has called', async () => {
    const { dependency } = await halfOpen();
    expect(dependency.snapshot().state).toBe('half-open');
    expect(dependency.snapshot().retryAfterMs).toBeUndefined();
  });

  it('needs no timer', async () => {
    const { clock } = await halfOpen();
    expect(clock.pending).toBe(0);
  });

  it('is open until the very millisecond', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: RESET_MS },
    });
    await fail(dependency, 1);
    await clock.advance(RESET_MS - 1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 1,
      tripped: 'firstFailure',
    });
    expect(await errorOf(dependency.execute(() => ''))).toMatchObject({
      retryAfterMs: 1,
    });
    await clock.advance(1);
    expect(await dependency.execute(() => 'probe')).toBe('probe');
  });

  it('lets one probe through and refuses the second, with no time to wait', async () => {
    const { clock, dependency } = await halfOpen();
    const work = gate();
    const probe = watch(dependency.execute(() => work.promise));
    const error = await errorOf(dependency.execute(() => 'never'));
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error.retryAfterMs).toBeUndefined();
    work.resolve('ok');
    await clock.advance(0);
    expect(probe.value).toBe('ok');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0, failures: 0 },
    });
  });

  it('opens again for its whole time when the probe fails', async () => {
    const { clock, dependency } = await halfOpen();
    await fail(dependency, 1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: RESET_MS,
    });
    await clock.advance(RESET_MS);
    expect(dependency.snapshot().state).toBe('half-open');
  });

  it('opens for longer with each failed probe, as resetBackoff says', async () => {
    const { clock, dependency } = await halfOpen({
      resetBackoff: { factor: 2, maxMs: 3_000 },
    });
    const lengths: unknown[] = [];
    for (let n = 0; n < 3; n++) {
      await fail(dependency, 1);
      const { retryAfterMs } = dependency.snapshot();
      lengths.push(retryAfterMs);
      await clock.advance(retryAfterMs!);
    }
    expect(lengths).toEqual([2_000, 3_000, 3_000]);
  });

  it('stays half-open when the probe’s answer proves nothing', async () => {
    const { clock, dependency } = await halfOpen();
    await errorOf(dependency.execute(throwing(() => answered(404))));
    expect(dependency.snapshot().state).toBe('half-open');
    expect(await dependency.execute(() => 'next probe')).toBe('next probe');
    expect(dependency.snapshot().state).toBe('closed');
    expectRest({ clock, dependency });
  });

  it('counts a probe that hangs past its lease as failed, as of that instant', async () => {
    const { clock, dependency } = await halfOpen(
      { leaseMs: 200 },
      { timeoutMs: false },
    );
    const probe = watch(dependency.execute(hang));
    await clock.advance(199);
    expect(dependency.snapshot().state).toBe('half-open');
    await clock.advance(51);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: RESET_MS - 50,
    });
    expect(await errorOf(dependency.execute(() => ''))).toMatchObject({
      retryAfterMs: RESET_MS - 50,
    });
    expect(probe.state).toBe('pending');
  });

  it('notices a hung lease however late, as of the instant it ended', async () => {
    const { clock, dependency } = await halfOpen(
      { leaseMs: 200 },
      { timeoutMs: false },
    );
    const work = gate();
    const probe = watch(dependency.execute(() => work.promise));
    await clock.advance(200 + RESET_MS);
    expect(dependency.snapshot().state).toBe('half-open');
    expect(await dependency.execute(() => 'second')).toBe('second');
    expect(dependency.snapshot().state).toBe('closed');
    work.reject(new Error('late'));
    await clock.advance(0);
    expect(probe.state).toBe('rejected');
    // The first probe's result is of an older generation.
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
    });
  });

  it('gives a lease that is never shorter than the attempt timeout and a second', async () => {
    const { clock, dependency } = await halfOpen(
      {},
      { attemptTimeoutMs: 500, timeoutMs: 2_000, abandonAfterMs: 0 },
    );
    void dependency.execute(hang, { attemptTimeoutMs: 1_800 }).catch(() => {});
    await clock.advance(1_799);
    expect(dependency.snapshot().state).toBe('half-open');
    await clock.advance(1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: RESET_MS,
    });
  });

  it('counts a probe from the start of its work', async () => {
    const { clock, dependency } = await halfOpen({
      recovery: probes({ calls: 2, successes: 2 }),
    });
    const first = watch(
      dependency.execute(() => after(clock, 100, () => 'first')),
    );
    const second = watch(
      dependency.execute(() => after(clock, 50, () => 'second')),
    );
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    await clock.advance(50);
    expect(second.state).toBe('fulfilled');
    expect(dependency.snapshot().state).toBe('half-open');
    await clock.advance(50);
    expect(first.state).toBe('fulfilled');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('opens as soon as success is out of reach', async () => {
    const { clock, dependency } = await halfOpen({
      recovery: probes({ calls: 3, successes: 2 }),
    });
    const slow = watch(
      dependency.execute(() => after(clock, 100, () => 'slow')),
    );
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('half-open');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
    await clock.advance(100);
    expect(slow.value).toBe('slow');
    expect(dependency.snapshot().state).toBe('open');
  });

  it('never queues a probe: a full netloc refuses it and its lease goes back', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: RESET_MS },
      maxOpenPerNetloc: 2,
      timeoutMs: false,
    });
    const hog = gate();
    const hogging = dependency.execute(() => hog.promise);
    await fail(dependency, 1);
    dependency.configure({ maxOpenPerNetloc: 1 });
    await clock.advance(RESET_MS);
    const error = await errorOf(dependency.execute(() => 'never'));
    expect(error).toBeInstanceOf(DaceRateLimitedError);
    expect(dependency.snapshot()).toMatchObject({
      queued: 0,
      state: 'half-open',
    });
    hog.resolve('');
    await hogging;
    expect(dependency.snapshot().state).toBe('half-open');
    expect(await dependency.execute(() => 'probe')).toBe('probe');
    expect(dependency.snapshot().state).toBe('closed');
    expectRest({ clock, dependency });
  });

  it('gives the lease back when the bucket is empty', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 100 },
      rateLimit: { limit: 1, intervalMs: 1_000 },
      maxOpenPerNetloc: 1,
    });
    await fail(dependency, 1);
    await clock.advance(100);
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceRateLimitedError,
    );
    await clock.advance(900);
    expect(await dependency.execute(() => 'probe')).toBe('probe');
    expect(dependency.snapshot().state).toBe('closed');
    expectRest({ clock, dependency });
  });

  it('takes no verdict from calls it admitted before it opened', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: RESET_MS },
    });
    const early = gate();
    const before = watch(dependency.execute(() => early.promise));
    await fail(dependency, 1);
    await clock.advance(RESET_MS);
    early.resolve('old news');
    await clock.advance(0);
    expect(before.value).toBe('old news');
    expect(dependency.snapshot().state).toBe('half-open');
  });

  it('tells of each transition once', async () => {
    const rig = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: RESET_MS },
    });
    const events = eventsOf(rig.dependency);
    await fail(rig.dependency, 3);
    await rig.clock.advance(RESET_MS);
    for (let n = 0; n < 3; n++) rig.dependency.snapshot();
    await rig.dependency.execute(() => '');
    await rig.dependency.execute(() => '');
    expect(
      events
        .filter((event) => event.type.startsWith('circuit.'))
        .map((event) => event.type),
    ).toEqual(['circuit.opened', 'circuit.half-opened', 'circuit.closed']);
  });
});

describe('A retry as a probe', () => {
  it('is admitted after a wait that outlasts the opening', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 100 },
      retry: { backoff: { delayMs: 150 } },
    });
    const call = watch(
      dependency.execute((each) =>
        each.attempt === 1 ? each.retry() : 'second',
      ),
    );
    await clock.advance(150);
    expect(call.value).toBe('second');
    expect(dependency.snapshot().state).toBe('closed');
    expectRest({ clock, dependency });
  });
});

describe('A permit taken by acquire', () => {
  it('as a probe closes the circuit by success', async () => {
    const rig = await halfOpen();
    const permit = rig.dependency.acquire();
    expect(() => rig.dependency.acquire()).toThrow(DaceCircuitOpenError);
    permit.success();
    expect(rig.dependency.snapshot().state).toBe('closed');
    expectRest(rig);
  });

  it('as a probe opens it again by failure', async () => {
    const rig = await halfOpen();
    rig.dependency.acquire().failure();
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: RESET_MS,
    });
    expectRest(rig);
  });

  it.each([
    ['ignore', (permit) => permit.ignore()],
    ['disposal', (permit) => permit[Symbol.dispose]()],
    ['an error that proves nothing', (permit) => permit.failure(answered(404))],
  ] as [
    string,
    (permit: ReturnType<Subject['dependency']['acquire']>) => void,
  ][])('as a probe gives its lease back by %s', async (_name, end) => {
    const rig = await halfOpen();
    end(rig.dependency.acquire());
    expect(rig.dependency.snapshot().state).toBe('half-open');
    rig.dependency.acquire().success();
    expect(rig.dependency.snapshot().state).toBe('closed');
    expectRest(rig);
  });

  it('hangs no longer than its lease', async () => {
    const rig = await halfOpen({}, { timeoutMs: 500 });
    rig.dependency.acquire();
    await rig.clock.advance(1_499);
    expect(rig.dependency.snapshot().state).toBe('half-open');
    await rig.clock.advance(1);
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: RESET_MS,
    });
  });

  it('counts as one operation and one attempt, in flight while it is held', () => {
    const rig = subject();
    const permit = rig.dependency.acquire();
    expect(rig.dependency.snapshot()).toMatchObject({
      inFlight: 1,
      totals: { started: 1, attempts: 1, succeeded: 0 },
    });
    permit.success();
    rig.dependency.acquire().failure(new Error('x'));
    rig.dependency.acquire().ignore();
    expect(rig.dependency.snapshot()).toMatchObject({
      window: { calls: 2, failures: 1 },
      totals: { started: 3, succeeded: 1, failed: 1, cancelled: 1 },
      lastFailure: { name: 'Error' },
    });
    expectRest(rig);
  });

  it('hears the first verdict only', () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const permit = rig.dependency.acquire();
    permit.success();
    permit.failure();
    permit.ignore();
    permit[Symbol.dispose]();
    const held = rig.dependency.acquire();
    expect(() => rig.dependency.acquire()).toThrow(DaceRateLimitedError);
    held.success();
    expect(rig.dependency.snapshot().totals).toMatchObject({
      succeeded: 2,
      failed: 0,
      refused: 1,
    });
    expectRest(rig);
  });

  it('slower than expectedInMs succeeds and counts as a failure', async () => {
    const { clock, dependency } = subject({ expectedInMs: 10 });
    const permit = dependency.acquire();
    await clock.advance(11);
    permit.success();
    expect(dependency.snapshot()).toMatchObject({
      window: { calls: 1, failures: 1 },
      totals: { succeeded: 1 },
    });
  });

  it('carries the host it is for', () => {
    const { dependency } = subject({ hosts: ['http://a', 'https://b'] });
    const permit = dependency.acquire();
    expect(['a:80', 'b:443']).toContain(permit.netloc);
    expect(dependency.acquire({ netloc: 'b:443' }).netloc).toBe('b:443');
    expect(subject().dependency.acquire().netloc).toBeUndefined();
  });

  it('hands its room to those that queue', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const permit = rig.dependency.acquire();
    const queued = watch(rig.dependency.execute(() => 'next'));
    await rig.clock.advance(10);
    expect(queued.state).toBe('pending');
    permit.success();
    await rig.clock.advance(0);
    expect(queued.value).toBe('next');
    expectRest(rig);
  });
});

describe('acquire throws what a call would be refused with:', () => {
  it('an open circuit', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    await fail(rig.dependency, 1);
    expect(() => rig.dependency.acquire()).toThrow(DaceCircuitOpenError);
    expect(rig.dependency.snapshot().totals.refused).toBe(1);
    expectRest(rig);
  });

  it('a full netloc, at once, though the queue has room', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const permit = rig.dependency.acquire();
    expect(() => rig.dependency.acquire()).toThrow(DaceRateLimitedError);
    permit.success();
    expectRest(rig);
  });

  it('an empty bucket, which gives the permit back', async () => {
    const rig = subject({
      maxOpenPerNetloc: 2,
      rateLimit: { limit: 1, intervalMs: 1_000 },
    });
    rig.dependency.acquire().success();
    for (let n = 0; n < 3; n++)
      expect(() => rig.dependency.acquire()).toThrow(DaceRateLimitedError);
    await rig.clock.advance(1_000);
    rig.dependency.acquire().success();
    expectRest(rig);
  });

  it('no host', () => {
    const rig = subject({ hosts: ['http://a', 'http://b'] });
    rig.dependency.control('forced-open', 'a');
    rig.dependency.control('forced-open', 'b');
    expect(() => rig.dependency.acquire()).toThrow(DaceNoHostsError);
    expectRest(rig);
  });

  it('shutdown', async () => {
    const rig = subject();
    await rig.dependency.close();
    expect(() => rig.dependency.acquire()).toThrow(DaceShutdownError);
    expectRest(rig);
  });

  it('a balancer that throws, which gives a lease back', async () => {
    let isBroken = false;
    const rig = await halfOpen(
      { trip: (counts) => counts.consecutiveFailures >= 1 },
      {
        hosts: ['http://a', 'http://b'],
        loadBalancer: {
          pick: (hosts) => {
            if (isBroken) throw new Error('broken');
            return hosts[0]!;
          },
        },
      },
    );
    isBroken = true;
    for (let n = 0; n < 3; n++)
      try {
        rig.dependency.acquire().ignore();
      } catch (error) {
        expect(error).toMatchObject({ message: 'broken' });
      }
    isBroken = false;
    expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
    expectRest(rig);
  });
});
