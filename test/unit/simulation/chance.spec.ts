import { describe, expect, it } from 'vitest';
import {
  Chance,
  logNormalMs,
  normalQuantile,
} from '../../../lib/simulation/chance.js';
import { SimulatedTraffic } from '../../../lib/simulation/traffic.js';

const COUNT = 100_000;
const range = Array.from({ length: COUNT }, (_, index) => index);

/** How far the counts of equal parts are from even, in its own standard deviations. */
function unevenness(draws: readonly number[], parts: number): number {
  const counts = Array.from({ length: parts }, () => 0);
  for (const draw of draws) counts[Math.floor(draw * parts)]! += 1;
  const expected = draws.length / parts;
  const chiSquare = counts.reduce(
    (sum, count) => sum + (count - expected) ** 2 / expected,
    0,
  );
  return (chiSquare - (parts - 1)) / Math.sqrt(2 * (parts - 1));
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const mean = (list: readonly number[]) =>
    list.reduce((sum, one) => sum + one, 0) / list.length;
  const [x0, y0] = [mean(xs), mean(ys)];
  const sum = (of: (index: number) => number) =>
    xs.reduce((all, _, index) => all + of(index), 0);
  const both = sum((at) => (xs[at]! - x0) * (ys[at]! - y0));
  const x = sum((at) => (xs[at]! - x0) ** 2);
  const y = sum((at) => (ys[at]! - y0) ** 2);
  return both / Math.sqrt(x * y);
}

describe('Chance by keys', () => {
  const chance = Chance.of(1);

  it('answers the same question the same way', () => {
    expect(Chance.of(1).under(3).at(5, 6, 7)).toBe(chance.under(3).at(5, 6, 7));
  });

  it.each([
    ['its first key', (index: number) => chance.at(index)],
    ['its second key', (index: number) => chance.at(7, index)],
    ['its third key', (index: number) => chance.at(7, 1, index)],
    ['a key it is under', (index: number) => chance.under(index).at(1)],
    ['its seed', (index: number) => Chance.of(index).at(1)],
  ])('is spread evenly over %s', (_, draw) => {
    const draws = range.map(draw);

    expect(draws.every((one) => one > 0 && one < 1)).toBe(true);
    expect(Math.abs(unevenness(draws, 1_000))).toBeLessThan(4);
  });

  it.each([
    ['operations', (index: number) => chance.at(index + 1, 1, 2)],
    ['attempts', (index: number) => chance.at(index, 2, 2)],
    ['purposes', (index: number) => chance.at(index, 1, 3)],
    ['hosts', (index: number) => chance.under(2).at(index, 1, 2)],
    ['seeds', (index: number) => Chance.of(2).at(index, 1, 2)],
  ])('is not related between neighbouring %s', (_, neighbour) => {
    const draws = range.map((index) => chance.at(index, 1, 2));

    const related = correlation(draws, range.map(neighbour));

    // Four standard errors of no relation at all.
    expect(Math.abs(related)).toBeLessThan(4 / Math.sqrt(COUNT));
  });

  it('is a stream of its own for each who draws', () => {
    const [one, other] = [chance.stream(), chance.stream()];

    const early = [one(), one()];

    expect([other(), other()]).toEqual(early);
    expect(early).toEqual([chance.at(0), chance.at(1)]);
  });
});

describe('A log-normal latency', () => {
  it('has its median and its 99th percentile where they were set', () => {
    expect(logNormalMs(20, 200, 0.5)).toBe(20);
    expect(logNormalMs(20, 200, 0.99)).toBe(200);
    expect(logNormalMs(20, 200, 0.01)).toBe(2);
  });

  it('is always the same where both are, and nothing where both are', () => {
    expect(logNormalMs(20, 20, 0.999)).toBe(20);
    expect(logNormalMs(0, 0, 0.999)).toBe(0);
  });

  // Shares of the standard normal distribution below whole deviations, and one far out.
  it.each([
    [0.5, 0],
    [0.84134474606854293, 1],
    [0.97724986805182079, 2],
    [0.0013498980316300933, -3],
    [1e-7, -5.199337582192817],
  ])('knows how many deviations end a share of %s', (share, deviations) => {
    expect(normalQuantile(share)).toBeCloseTo(deviations, 7);
  });
});

describe('Traffic', () => {
  const times = (...args: ConstructorParameters<typeof SimulatedTraffic>) => {
    const traffic = new SimulatedTraffic(...args);
    const found: number[] = [];
    for (let atMs = traffic.next(); atMs < 100_000; atMs = traffic.next())
      found.push(atMs);
    return found;
  };
  const chance = Chance.of(1);

  it('comes at independent moments: as many as asked for, as unsteady as chance', () => {
    const found = times([{ fromS: 0, perSecond: 100 }], chance);

    const perSecond = Array.from({ length: 100 }, () => 0);
    for (const atMs of found) perSecond[Math.floor(atMs / 1_000)]! += 1;
    const variance =
      perSecond.reduce((sum, count) => sum + (count - 100) ** 2, 0) / 100;
    expect(Math.abs(found.length - 10_000)).toBeLessThan(400);
    // Poisson: variance = mean; its own deviation over 100 seconds is 14.
    expect(Math.abs(variance - 100)).toBeLessThan(56);
  });

  it('comes evenly where it is told to', () => {
    const found = times([{ fromS: 0, perSecond: 4, arrivals: 'even' }], chance);

    expect(found.slice(0, 4)).toEqual([125, 375, 625, 875]);
    expect(found).toHaveLength(400);
  });

  it('changes its rate at the moment it is told to, in the middle of a gap', () => {
    const found = times(
      [
        { fromS: 0, perSecond: 1, arrivals: 'even' },
        { fromS: 1, perSecond: 10, arrivals: 'even' },
        { fromS: 2, perSecond: 0 },
        { fromS: 99, perSecond: 2, arrivals: 'even' },
      ],
      chance,
    );

    // Half of the second gap has gone by at 1 s; the rest goes ten times as fast.
    expect(found.slice(0, 4)).toEqual([500, 1_050, 1_150, 1_250]);
    expect(found.slice(-4)).toEqual([1_850, 1_950, 99_250, 99_750]);
  });

  it('is none before its first phase, and none at all at 0', () => {
    const late = times([{ fromS: 50, perSecond: 100 }], chance);

    expect(late[0]).toBeGreaterThan(50_000);
    expect(new SimulatedTraffic(0, chance).next()).toBe(Infinity);
  });
});
