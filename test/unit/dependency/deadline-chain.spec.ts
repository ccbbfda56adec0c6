import { describe, expect, it } from 'vitest';
import {
  enclosingBound,
  runWithin,
  Span,
} from '../../../lib/dependency/deadline.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

const clock = new ManualClock();

describe('A bound that is laid inside others', () => {
  it('knows the nearest that goes on', () => {
    const far = new Span(clock, 300);
    const [inside, over] = runWithin(far, () => {
      const near = new Span(clock, 200);
      near.end();
      return runWithin(near, () => [new Span(clock, 100), enclosingBound()]);
    });
    expect(inside).toMatchObject({ outer: far });
    expect(over).toBe(far);
  });

  it('holds nothing of a loop that lays one inside the other for ever', () => {
    const step = (left: number): number => {
      const span = new Span(clock, 100);
      span.end();
      return left === 0 ? depthOf(span) : runWithin(span, () => step(left - 1));
    };
    expect(step(100)).toBe(0);
  });
});

function depthOf(span: Span): number {
  let depth = 0;
  for (let outer = span.outer; outer; outer = outer.outer) depth += 1;
  return depth;
}
