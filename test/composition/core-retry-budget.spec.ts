import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { refusedConnection, throwing, watch } from '../support/core-toolkit.js';

const within = (times: readonly number[], fromMs: number, toMs: number) =>
  times.filter((atMs) => atMs > fromMs && atMs <= toMs).length;

describe('A dependency without a circuit, in a total outage', () => {
  it('asks 1.2 times, and three more, in every stretch of ten seconds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            operations: fc.nat(40),
            waitMs: fc.constantFrom(1, 90, 500, 900, 999, 1_000, 3_000),
          }),
          { minLength: 10, maxLength: 40, size: 'max' },
        ),
        fc.constantFrom(1, 2, 3, 10),
        async (traffic, attempts) => {
          const clock = new ManualClock();
          const starts: number[] = [];
          const retries: number[] = [];
          const dependency = createDependency(
            'payments',
            { circuit: false, retry: { attempts } },
            {
              clock,
              onEvent: (event) => {
                if (event.type !== 'attempt.started') return;
                (event.attempt === 1 ? starts : retries).push(clock.nowMs());
              },
            },
          );
          for (const { operations, waitMs } of traffic) {
            for (let each = 0; each < operations; each++)
              watch(dependency.execute(throwing(refusedConnection)));
            await clock.advance(waitMs);
          }
          for (const atMs of retries) {
            const fromMs = atMs - 10_000;
            expect(within(retries, fromMs, atMs)).toBeLessThanOrEqual(
              Math.max(0.2 * within(starts, fromMs, atMs), 3) + 1e-9,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
