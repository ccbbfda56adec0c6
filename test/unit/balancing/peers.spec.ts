import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/balancing/host.js';
import { Peers } from '../../../lib/balancing/peers.js';
import { Permits } from '../../../lib/limits/permits.js';

function neighbourhood() {
  let warnings = 0;
  const peers = new Peers(
    (netloc) =>
      new Host(
        { netloc, protocol: 'http', baseUrl: `http://${netloc}`, weight: 1 },
        new Permits(10, 10),
        true,
      ),
    () => (warnings += 1),
  );
  const settle = (count: number): Host[] =>
    Array.from({ length: count }, (_, index) => peers.get(`p${index}:80`));
  return { peers, settle, warnings: () => warnings };
}

describe('Peers', () => {
  it('are made when first asked for and kept', () => {
    const { peers } = neighbourhood();

    const first = peers.get('a:80');

    expect(peers.get('a:80')).toBe(first);
    expect(peers.find('a:80')).toBe(first);
    expect(peers.find('b:80')).toBeUndefined();
    expect(peers.all).toEqual([first]);
  });

  it('are forgotten one by one, once listed', () => {
    const { peers } = neighbourhood();
    const [first, second] = ['a:80', 'b:80'].map((netloc) => peers.get(netloc));

    peers.forget('a:80');

    expect(peers.all).toEqual([second]);
    expect(peers.get('a:80')).not.toBe(first);
  });

  it('are at most a thousand: the idle one asked longest ago makes room', () => {
    const { peers, settle, warnings } = neighbourhood();
    settle(1_000);
    peers.get('p0:80');

    peers.get('new:80');

    expect(peers.all).toHaveLength(1_000);
    expect(peers.find('p0:80')).toBeDefined();
    expect(peers.find('p1:80')).toBeUndefined();
    expect(warnings()).toBe(0);
  });

  it('keep a busy one and let an idle one go', () => {
    const { peers, settle } = neighbourhood();
    const [busy] = settle(1_000);
    busy!.inFlight = 1;

    peers.get('new:80');

    expect(peers.find('p0:80')).toBe(busy);
    expect(peers.find('p1:80')).toBeUndefined();
  });

  it('let a new one run without a circuit where all others are busy, and tell of it', () => {
    const { peers, settle, warnings } = neighbourhood();
    for (const host of settle(1_000)) host.permits.tryAcquire();

    const stranger = peers.get('new:80');

    expect(stranger.circuit).toBeUndefined();
    expect(peers.find('new:80')).toBeUndefined();
    expect(peers.all).toHaveLength(1_000);
    expect(warnings()).toBe(1);
  });
});
