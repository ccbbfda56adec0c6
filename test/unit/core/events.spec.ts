import { describe, expect, it } from 'vitest';
import { Listeners, type DaceEvent } from '../../../lib/core/events.js';

const event: DaceEvent = {
  type: 'operation.started',
  dependencyId: 'payments',
};

function ear() {
  const heard: DaceEvent[] = [];
  return { heard, listen: (what: DaceEvent) => void heard.push(what) };
}

const wants = (listeners: Listeners) => ({
  all: listeners.wantsAll,
  rare: listeners.wantsRare,
});

describe('Listeners', () => {
  it('want nothing while there are none, so that no event is built', () => {
    const listeners = new Listeners();

    expect(wants(listeners)).toEqual({ all: false, rare: false });
    expect(() => listeners.emit(event)).not.toThrow();
  });

  it('want everything once one listens to everything', () => {
    const listeners = new Listeners();
    listeners.add(() => {});

    expect(wants(listeners)).toEqual({ all: true, rare: true });
  });

  it('want no event of a healthy call while all listen to rare ones only', () => {
    const listeners = new Listeners();
    listeners.addRare(() => {});

    expect(wants(listeners)).toEqual({ all: false, rare: true });
  });

  it('each hear every event once', () => {
    const listeners = new Listeners();
    const [one, other, rare, rarer] = [ear(), ear(), ear(), ear()];
    listeners.add(one.listen);
    listeners.add(other.listen);
    listeners.addRare(rare.listen);
    listeners.addRare(rarer.listen);

    listeners.emit(event);

    for (const { heard } of [one, other, rare, rarer])
      expect(heard).toEqual([event]);
  });

  it.each(['add', 'addRare'] as const)(
    'hear nothing more once they have left (%s), and leave the others alone',
    (how) => {
      const listeners = new Listeners();
      const [leaving, staying] = [ear(), ear()];
      const leave = listeners[how](leaving.listen);
      const leaveToo = listeners[how](staying.listen);

      leave();
      leave();
      listeners.emit(event);
      expect(leaving.heard).toEqual([]);
      expect(staying.heard).toEqual([event]);

      leaveToo();
      expect(wants(listeners)).toEqual({ all: false, rare: false });
    },
  );

  it.each(['add', 'addRare'] as const)(
    'leave once for each time they came (%s)',
    (how) => {
      const listeners = new Listeners();
      const { heard, listen } = ear();
      const leave = listeners[how](listen);
      listeners[how](listen);

      listeners.emit(event);
      leave();
      listeners.emit(event);

      expect(heard).toHaveLength(3);
    },
  );

  it('may leave after all have been sent away', () => {
    const listeners = new Listeners();
    const leaves = [listeners.add(() => {}), listeners.addRare(() => {})];

    listeners.clear();
    for (const leave of leaves) leave();

    expect(wants(listeners)).toEqual({ all: false, rare: false });
  });

  it('hear nothing more once all have been sent away', () => {
    const listeners = new Listeners();
    const [one, rare] = [ear(), ear()];
    listeners.add(one.listen);
    listeners.addRare(rare.listen);

    listeners.clear();
    listeners.emit(event);

    expect([one.heard, rare.heard]).toEqual([[], []]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('in a listener');
      },
    ],
    [
      'rejects',
      () => Promise.reject(new Error('in a listener')) as unknown as void,
    ],
  ])('hear an event though one before them %s', async (_, faulty) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const listeners = new Listeners();
    const { heard, listen } = ear();
    for (const how of ['add', 'addRare'] as const) {
      listeners[how](faulty);
      listeners[how](listen);
    }

    listeners.emit(event);
    // Node tells of a rejection that nobody handles once the promises have settled.
    await new Promise(setImmediate);
    process.removeListener('unhandledRejection', note);

    expect(heard).toEqual([event, event]);
    expect(rejections).toEqual([]);
  });
});
