import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  ramp,
  type CircuitEvent,
  type DaceEvent,
  type Dependency,
} from '../../lib/core.js';
import {
  eventsOf,
  expectRest,
  fail,
  gate,
  hang,
  subject,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

const FRAGILE = { trip: consecutiveFailures(1), resetTimeoutMs: 5 };
const HOSTS = ['http://a', 'http://b', 'http://c', 'http://d'];

/** Types of what was told of circuits and hosts, in the order of hearing. */
const changes = (events: readonly DaceEvent[]): string[] =>
  events
    .map(({ type }) => type)
    .filter((type) => type.startsWith('circuit.') || type.startsWith('host.'));

function onceAt(
  dependency: Dependency,
  what: CircuitEvent['type'],
  act: () => void,
): void {
  const off = dependency.on(({ type }) => {
    if (type !== what) return;
    off();
    act();
  });
}

describe('Several who listen, one of whom acts', () => {
  it('all hear of an opening before they hear of what it has led to', async () => {
    const { dependency } = subject({ circuit: FRAGILE });
    onceAt(dependency, 'circuit.opened', () => dependency.control('disabled'));
    const events = eventsOf(dependency);

    await fail(dependency, 1);

    expect(changes(events)).toEqual(['circuit.opened', 'circuit.closed']);
  });

  it('hear nothing more once they have left, not even of what is being told', async () => {
    const { dependency } = subject();
    let heard = 0;
    let leave = (): void => undefined;
    dependency.on(() => leave());
    leave = dependency.on(() => (heard += 1));

    await dependency.execute(() => 'fine');

    expect(heard).toBe(0);
  });

  it('come to an end where each event leads to the next', () => {
    const { dependency } = subject();
    dependency.control('forced-open');
    const warnings: string[] = [];
    dependency.on((event) => {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'operation.refused')
        watch(dependency.execute(() => 'never'));
    });

    watch(dependency.execute(() => 'never'));

    expect(warnings).toEqual(['Listeners lead to events without an end.']);
    const { refused, started } = dependency.snapshot().totals;
    expect(refused).toBe(started);
  });

  it('are heard again after that', async () => {
    const { dependency } = subject();
    dependency.control('forced-open');
    const off = dependency.on(({ type }) => {
      if (type === 'operation.refused')
        watch(dependency.execute(() => 'never'));
    });
    watch(dependency.execute(() => 'never'));
    off();
    const events = eventsOf(dependency);

    await fail(dependency, 1);

    expect(events.map(({ type }) => type)).toContain('operation.refused');
  });
});

describe('Who hears of a host', () => {
  it('and sends it a probe at once hears once that it is back', async () => {
    const { dependency, clock } = subject({ hosts: HOSTS, circuit: FRAGILE });
    await fail(dependency, 1, undefined, { netloc: 'a' });
    await clock.advance(5);
    const events = eventsOf(dependency);
    onceAt(dependency, 'circuit.half-opened', () => {
      watch(dependency.execute(() => 'well', { netloc: 'a' }));
    });

    await dependency.execute(() => 'well');

    expect(changes(events)).toEqual([
      'circuit.half-opened',
      'circuit.closed',
      'host.back',
    ]);
  });

  it('and has it back at once hears first that it is out', async () => {
    const { dependency } = subject({ hosts: HOSTS, circuit: FRAGILE });
    onceAt(dependency, 'circuit.opened', () => {
      dependency.control('disabled', 'a');
      dependency.control('auto', 'a');
    });
    const events = eventsOf(dependency);

    await fail(dependency, 1, undefined, { netloc: 'a' });

    expect(changes(events)).toEqual([
      'circuit.opened',
      'host.out',
      'circuit.closed',
      'host.back',
    ]);
  });

  it('and switches the circuits off leaves the call that told of it whole', async () => {
    const { dependency, clock } = subject({
      hosts: HOSTS,
      timeoutMs: false,
      circuit: { ...FRAGILE, leaseMs: 50 },
    });
    await fail(dependency, 1, undefined, { netloc: 'a' });
    await clock.advance(5);
    const answer = gate();
    const call = watch(
      dependency.execute(() => answer.promise, { netloc: 'b' }),
    );
    // A probe that hangs: that it has is noticed when the call ends.
    const probe = dependency.acquire({ netloc: 'a' });
    await clock.advance(50);
    onceAt(dependency, 'circuit.opened', () =>
      dependency.configure({ circuit: false }),
    );

    const unhandled = await unhandledDuring(async () => {
      answer.resolve('fine');
      await clock.advance(0);
    });

    expect(unhandled).toEqual([]);
    expect(call).toMatchObject({ state: 'fulfilled', value: 'fine' });
    probe.ignore();
    expectRest({ dependency, clock });
  });
});

describe('A caller who gives up when he hears of a circuit', () => {
  it('has no work run for him', async () => {
    const { dependency, clock } = subject({
      circuit: { ...FRAGILE, recovery: ramp({ recoveryMs: 10, graceMs: 0 }) },
    });
    await fail(dependency, 1);
    await clock.advance(5);
    for (let each = 0; each < 10; each++) {
      await dependency.execute(() => 'well').catch(() => undefined);
      await clock.advance(1);
    }
    const caller = new AbortController();
    onceAt(dependency, 'circuit.closed', () => caller.abort('left'));
    let runs = 0;

    const call = watch(
      dependency.execute(
        () => {
          runs += 1;
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    await clock.advance(0);

    expect(call).toMatchObject({ state: 'rejected', error: 'left' });
    expect(runs).toBe(0);
    expectRest({ dependency, clock });
  });

  it('is not kept by the fallback of a call that was refused', async () => {
    const { dependency, clock } = subject();
    dependency.control('forced-open');
    const caller = new AbortController();
    const { signal } = caller;
    const call = watch(
      dependency.execute(() => 'never', { signal, fallback: () => hang() }),
    );
    await clock.advance(0);

    caller.abort('left');
    await clock.advance(0);

    expect(call).toMatchObject({ state: 'rejected', error: 'left' });
    expectRest({ dependency, clock });
  });
});
