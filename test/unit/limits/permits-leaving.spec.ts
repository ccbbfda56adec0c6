import { describe, expect, it } from 'vitest';
import { Permits, type PermitWaiter } from '../../../lib/limits/permits.js';

const waiter = (granted: string[], name: string, pinned?: object) =>
  ({ granted: () => granted.push(name), pinned }) as PermitWaiter;

describe('The permits of a netloc that is given up', () => {
  it('are idle at once when none is taken, and else when the last is back, once', () => {
    const permits = new Permits(2, 10);
    let times = 0;
    const idle = (): void => {
      times += 1;
    };
    permits.whenIdle(idle);
    expect(times).toBe(1);

    permits.tryAcquire();
    permits.tryAcquire();
    permits.whenIdle(idle);
    permits.release();
    expect(times).toBe(1);
    permits.release();
    expect(times).toBe(2);
    permits.tryAcquire();
    permits.release();
    expect(times).toBe(2);
  });

  it('are not idle while the next in the queue has one', () => {
    const permits = new Permits(1, 10);
    const granted: string[] = [];
    let isIdle = false;
    permits.tryAcquire();
    permits.enqueue(waiter(granted, 'next'));
    permits.whenIdle(() => {
      isIdle = true;
    });
    permits.release();
    expect({ granted, isIdle }).toEqual({ granted: ['next'], isIdle: false });
    permits.release();
    expect(isIdle).toBe(true);
  });

  it('are granted to all who may go elsewhere, and the others stay in their order', () => {
    const permits = new Permits(1, 10);
    const granted: string[] = [];
    permits.tryAcquire();
    permits.enqueue(waiter(granted, 'a'));
    permits.enqueue(waiter(granted, 'pinned', {}));
    permits.enqueue(waiter(granted, 'b'));
    permits.scatter();
    expect(granted).toEqual(['a', 'b']);
    expect(permits).toMatchObject({ inUse: 3, queued: 1 });
    for (let n = 0; n < 3; n++) permits.release();
    expect(granted).toEqual(['a', 'b', 'pinned']);
  });
});
