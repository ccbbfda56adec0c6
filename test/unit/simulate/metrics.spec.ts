import { describe, expect, it } from 'vitest';
import {
  ALL_METRICS,
  difference,
  METRICS,
  written,
} from '../../../lib/simulate/metrics.js';
import { instant, percent, span } from '../../../lib/simulate/numbers.js';
import { summaryOf } from '../../../lib/simulate/summary.js';
import { simulationByHand } from '../../support/simulations.js';

const summary = (succeeded: number, failed: number) =>
  summaryOf(
    simulationByHand({ seconds: [{ callers: { succeeded, failed } }] }),
  );

describe('Numbers', () => {
  it.each([
    [1, '100 %'],
    [0.999999, '99.99 %'],
    [0.5, '50 %'],
    [0.07, '7 %'],
    [0.29, '29 %'],
    [0, '0 %'],
  ])('write the share %d as %s, and 100 only for all', (ratio, text) => {
    expect(percent(ratio)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [0.4321, '0.43 ms'],
    [85.4, '85.4 ms'],
    [1_250, '1.25 s'],
    [125_000, '2 min 5 s'],
    [179_999, '3 min'],
    [600_000, '10 min'],
  ])('write %d ms as %s', (ms, text) => {
    expect(span(ms)).toBe(text);
  });

  it('write instants to the millisecond', () => {
    expect(instant(20_133)).toBe('20.133 s');
  });
});

describe('The difference of two settings', () => {
  it('is judged by which way is better', () => {
    const [good, bad] = [summary(10, 0), summary(9, 1)];

    expect(difference(METRICS.served, good, bad)).toEqual({
      text: '−10 points',
      judgement: 'worse',
    });
    expect(difference(METRICS.failed, bad, good)).toEqual({
      text: '−1',
      judgement: 'better',
    });
  });

  it('is not judged where neither way is better', () => {
    expect(
      difference(METRICS.openings, summary(1, 0), {
        ...summary(1, 0),
        openings: 3,
      }),
    ).toEqual({ text: '+3', judgement: 'neither' });
  });

  it('is not judged where times are as good as equal', () => {
    const waits = (p99: number) => ({
      ...summary(1, 0),
      latencyMs: { p50: 1, p90: 1, p99, max: 1 },
    });

    expect(difference(METRICS.p99, waits(100), waits(104))).toEqual({
      text: '+4 ms',
      judgement: 'neither',
    });
    expect(difference(METRICS.p99, waits(100), waits(110)).judgement).toBe(
      'worse',
    );
  });

  it('is none between equals', () => {
    for (const metric of ALL_METRICS) {
      const { text } = difference(metric, summary(3, 1), summary(3, 1));
      expect(['same', '–']).toContain(text);
    }
  });

  it('has no meaning where one of them has no value', () => {
    expect(difference(METRICS.opened, summary(1, 0), summary(1, 0)).text).toBe(
      '–',
    );
    expect(written(METRICS.opened, summary(1, 0))).toBe('–');
  });
});
