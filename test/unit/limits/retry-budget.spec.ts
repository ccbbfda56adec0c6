import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../../lib/limits/retry-budget.js';

const usual = { ratio: 0.2, windowMs: 10_000, minRetries: 3 };

function afterOperations(budget: RetryBudget, count: number, nowMs = 0): void {
  for (let each = 0; each < count; each++) budget.deposit(nowMs);
}

const withdrawAll = (budget: RetryBudget, nowMs: number): number => {
  let taken = 0;
  while (budget.tryWithdraw(nowMs)) taken += 1;
  return taken;
};

describe('A retry budget', () => {
  it.each([
    [0, 3],
    [1, 3],
    [15, 3],
    [19, 3],
    [20, 4],
    [100, 20],
  ])('after %i operations allows %i retries', (operations, retries) => {
    const budget = new RetryBudget(usual);
    afterOperations(budget, operations);

    expect(budget.left(0)).toBe(retries);
    expect(withdrawAll(budget, 0)).toBe(retries);
    expect(budget.left(0)).toBe(0);
  });

  it.each([
    [0.1, 30, 3],
    [0.1, 70, 7],
    [0.3, 10, 3],
    [1, 7, 7],
    // 28.999999999999996 in doubles.
    [0.29, 100, 29],
  ])(
    'counts %d × %i operations as %i, not one less',
    (ratio, operations, retries) => {
      const budget = new RetryBudget({ ...usual, ratio, minRetries: 0 });
      afterOperations(budget, operations);

      expect(budget.left(0)).toBe(retries);
    },
  );

  it('allows none where none are granted at least and nothing has run', () => {
    const budget = new RetryBudget({ ...usual, minRetries: 0 });

    expect(budget.tryWithdraw(0)).toBe(false);
  });

  it('forgets operations and retries that have left the window', () => {
    const budget = new RetryBudget(usual);
    afterOperations(budget, 100);
    withdrawAll(budget, 0);

    expect(budget.left(11_200)).toBe(3);
  });

  it('looks without drawing', () => {
    const budget = new RetryBudget(usual);

    for (let each = 0; each < 10; each++) budget.left(0);

    expect(budget.left(0)).toBe(3);
  });

  it('keeps its counts when it is configured, unless the window is another', () => {
    const budget = new RetryBudget(usual);
    afterOperations(budget, 100);
    for (let each = 0; each < 5; each++) budget.tryWithdraw(0);

    budget.configure({ ...usual, ratio: 0.1 });
    expect(budget.left(0)).toBe(5);
    budget.configure({ ...usual, windowMs: 5_000 });

    expect(budget.left(0)).toBe(3);
  });
});
