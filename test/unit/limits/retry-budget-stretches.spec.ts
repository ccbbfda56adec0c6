/**
 * The budget of retries against a naive one that remembers every moment: what it promises for any
 * stretch of time, and how it spreads what it grants.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  RetryBudget,
  type BudgetSettings,
} from '../../../lib/limits/retry-budget.js';

const usual: BudgetSettings = { ratio: 0.2, windowMs: 10_000, minRetries: 3 };

const within = (times: readonly number[], fromMs: number, toMs: number) =>
  times.filter((atMs) => atMs > fromMs && atMs <= toMs).length;

const settings = fc.record({
  ratio: fc.constantFrom(0.1, 0.2, 0.5, 1),
  windowMs: fc.constantFrom(100, 1_000, 10_000),
  minRetries: fc.nat(5),
});

/** What happens after a wait that is a part of the window. */
const turns = fc.array(
  fc.record({
    wait: fc.oneof(
      fc.constantFrom(0, 0.001, 0.099, 0.1, 0.5, 0.9, 0.901, 0.999, 1, 1.1, 2),
      fc.double({ min: 0, max: 1.2, noNaN: true }),
    ),
    operations: fc.nat(30),
    wanted: fc.nat(40),
  }),
  { maxLength: 60, size: 'max' },
);

describe('The retry budget', () => {
  it('keeps its bound in every stretch as long as its window that ends with a retry', () => {
    let runs = 0;
    let granted = 0;
    fc.assert(
      fc.property(settings, turns, (of, traffic) => {
        runs += 1;
        const budget = new RetryBudget(of);
        const operations: number[] = [];
        const retries: number[] = [];
        let nowMs = 0;
        for (const { wait, operations: count, wanted } of traffic) {
          nowMs += wait * of.windowMs;
          for (let each = 0; each < count; each++) {
            budget.deposit(nowMs);
            operations.push(nowMs);
          }
          for (let each = 0; each < wanted; each++) {
            if (!budget.tryWithdraw(nowMs)) continue;
            granted += 1;
            retries.push(nowMs);
            const fromMs = nowMs - of.windowMs;
            expect(within(retries, fromMs, nowMs)).toBeLessThanOrEqual(
              Math.max(
                of.ratio * within(operations, fromMs, nowMs),
                of.minRetries,
              ) + 1e-9,
            );
          }
        }
      }),
      { numRuns: 1_000 },
    );
    expect(granted).toBeGreaterThan(10 * runs);
  });

  it('grants all of it at once to those who have wanted none for a while', () => {
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: 1, max: 400 }),
        (of, operations) => {
          const budget = new RetryBudget(of);
          for (let each = 0; each < operations; each++)
            budget.deposit((each * 0.9 * of.windowMs) / operations);
          const nowMs = 0.9 * of.windowMs;
          const due = Math.floor(
            Math.max(of.ratio * operations, of.minRetries) + 1e-9,
          );

          expect(budget.left(nowMs)).toBe(due);
          for (let each = 0; each < due; each++)
            expect(budget.tryWithdraw(nowMs)).toBe(true);
          expect(budget.tryWithdraw(nowMs)).toBe(false);
          expect(budget.left(nowMs)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('grants an even share in an outage that goes on, not a burst a window', () => {
    const budget = new RetryBudget(usual);
    const seconds: number[] = [];
    // 100 operations a second, each of which wants two retries, after a minute in which none did.
    for (let second = 0; second < 180; second++) {
      seconds.push(0);
      for (let each = 0; each < 100; each++) {
        const nowMs = second * 1_000 + each * 10;
        budget.deposit(nowMs);
        if (second < 60) continue;
        for (let retry = 0; retry < 2; retry++)
          if (budget.tryWithdraw(nowMs)) seconds[second]! += 1;
      }
    }

    expect(seconds.slice(60, 62).reduce((sum, count) => sum + count)).toBe(200);
    const later = seconds.slice(80);
    expect(Math.max(...later)).toBeLessThanOrEqual(2 * 0.2 * 100);
    const sum = later.reduce((total, count) => total + count);
    expect(sum).toBeGreaterThan(0.17 * 100 * later.length);
    expect(sum).toBeLessThanOrEqual(0.2 * 100 * later.length + 3);
  });

  it('is not what a partial failure lives on and off by turns', () => {
    const budget = new RetryBudget(usual);
    const seconds: number[] = [];
    // After a minute four of ten fail: twice what the budget can make good.
    for (let second = 0; second < 180; second++) {
      seconds.push(0);
      for (let each = 0; each < 100; each++) {
        const nowMs = second * 1_000 + each * 10;
        budget.deposit(nowMs);
        if (second < 60 || each % 10 >= 4) continue;
        if (budget.tryWithdraw(nowMs)) seconds[second]! += 1;
      }
    }
    expect(Math.min(...seconds.slice(60, 64))).toBe(40);
    const later = seconds.slice(90);
    expect(Math.min(...later)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...later)).toBeLessThanOrEqual(20);
  });

  it('is spent by those who get none of it as well, yet never below its least', () => {
    const budget = new RetryBudget({ ...usual, minRetries: 3 });
    for (let each = 0; each < 1_000; each++) budget.tryWithdraw(0);

    expect(budget.left(0)).toBe(0);
    expect(budget.left(12_000)).toBe(3);
  });
});
