import { describe, expect, it } from 'vitest';
import { firstFailure, type DependencyOptions } from '../../lib/core.js';
import { seededRandom } from '../support/chance.js';
import { after, subject } from '../support/core-toolkit.js';

const NAMES = ['round-robin', 'random', 'least-pending', 'peak-ewma'] as const;

type Answers = Readonly<
  Record<string, { readonly takesMs: number; readonly fails?: boolean }>
>;

/** A dependency with steady traffic, whose hosts answer as told. */
function served(options: DependencyOptions) {
  const rig = subject(
    { timeoutMs: 10_000, retry: false, maxOpenPerNetloc: 1_000, ...options },
    { random: seededRandom(7) },
  );
  const { clock, dependency } = rig;
  /** How often each was asked, of one call every `everyMs`. */
  async function traffic(
    answers: Answers,
    calls: number,
    everyMs: number,
  ): Promise<Record<string, number>> {
    const asked: Record<string, number> = {};
    for (const name of Object.keys(answers)) asked[name] = 0;
    const running: Promise<unknown>[] = [];
    for (let each = 0; each < calls; each++) {
      const call = dependency.execute(({ netloc }) => {
        const name = netloc![0]!;
        asked[name] = (asked[name] ?? 0) + 1;
        const { takesMs, fails = false } = answers[name]!;
        return after(clock, takesMs, () => {
          if (fails) throw new Error('boom');
        });
      });
      running.push(call.catch(() => undefined));
      await clock.advance(everyMs);
    }
    await clock.advance(1_000);
    await Promise.all(running);
    return asked;
  }
  return { ...rig, traffic };
}

const three = ['http://a', 'http://b', 'http://c'];

describe.each(NAMES)('A host under %s that was out', (loadBalancer) => {
  it('is asked again when it is back, little at first, and reaches its share after its slow start', async () => {
    const { traffic, dependency, clock } = served({
      hosts: three,
      loadBalancer,
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
    });
    const well = { takesMs: 2 };
    await traffic({ a: well, b: well, c: { takesMs: 1, fails: true } }, 30, 5);
    expect(dependency.snapshot().hosts[2]!.inService).toBe(false);
    await clock.advance(1_000);
    const all = { a: well, b: well, c: well };

    const first = await traffic(all, 200, 5);
    await traffic(all, 2_000, 5);
    const later = await traffic(all, 600, 5);

    expect(dependency.snapshot().hosts[2]!.inService).toBe(true);
    expect(first.c).toBeGreaterThanOrEqual(2);
    // Up to a fifth of its share in the first second, and chance.
    expect(first.c).toBeLessThan(25);
    expect(later.c).toBeGreaterThan(150);
    expect(later.c).toBeLessThan(250);
  });
});

describe.each(NAMES)('The weights of hosts under %s', (loadBalancer) => {
  it('are their shares', async () => {
    const { traffic } = served({
      hosts: [
        { url: 'http://a', weight: 1 },
        { url: 'http://b', weight: 2 },
        { url: 'http://c', weight: 5 },
      ],
      loadBalancer,
    });
    const well = { takesMs: 2 };
    const { a, b, c } = await traffic({ a: well, b: well, c: well }, 1_600, 5);

    for (const [count, due] of [
      [a, 200],
      [b, 400],
      [c, 1_000],
    ])
      expect(Math.abs(count! - due!)).toBeLessThan(
        loadBalancer === 'round-robin' ? 2 : 60,
      );
  });
});

describe.each(['least-pending', 'peak-ewma'] as const)(
  'A host that fails at once, under %s without circuits',
  (loadBalancer) => {
    it.each([
      ['where the others are idle', 50],
      ['where the others have much to do', 2],
    ])('attracts no traffic %s', async (_, everyMs) => {
      const { traffic } = served({
        hosts: three,
        loadBalancer,
        circuit: false,
      });
      const well = { takesMs: 20 };
      const answers = { a: well, b: well, c: { takesMs: 0, fails: true } };

      const { a, b, c } = await traffic(answers, 1_000, everyMs);

      // Once a second or so it is asked whether it is well.
      const looks = (1_000 * everyMs) / 1_000;
      expect(c).toBeGreaterThan(0);
      expect(c).toBeLessThan(20 + 1.2 * looks);
      expect(Math.min(a!, b!)).toBeGreaterThan(400);
    });

    it('has its share again when it is well', async () => {
      const { traffic } = served({
        hosts: three,
        loadBalancer,
        circuit: false,
      });
      const well = { takesMs: 20 };
      await traffic(
        { a: well, b: well, c: { takesMs: 0, fails: true } },
        500,
        5,
      );
      await traffic({ a: well, b: well, c: well }, 2_000, 5);
      const { c } = await traffic({ a: well, b: well, c: well }, 600, 5);

      expect(c).toBeGreaterThan(120);
    });
  },
);
