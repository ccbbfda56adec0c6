import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallWindow } from '../../../lib/core/call-window.js';

describe('A window of calls', () => {
  it('counts the last ones, however long ago', () => {
    const window = new CallWindow(3);
    window.record(0, true, false);
    window.record(1, false, true);
    expect(window.read(1e9)).toEqual({
      calls: 2,
      failures: 1,
      slow: 1,
      failureRatio: 0.5,
    });
    window.record(2, true, true);
    window.record(3, false, false);
    expect(window.read(4)).toEqual({
      calls: 3,
      failures: 1,
      slow: 2,
      failureRatio: 1 / 3,
    });
  });

  it('is empty before the first call and after it is cleared', () => {
    const window = new CallWindow(2);
    const empty = { calls: 0, failures: 0, slow: 0, failureRatio: 0 };
    expect(window.read(0)).toEqual(empty);
    window.record(0, true, true);
    window.clear();
    expect(window.read(0)).toEqual(empty);
    for (let call = 0; call < 3; call++) window.record(0, false, false);
    expect(window.read(0)).toEqual({ ...empty, calls: 2 });
  });

  it('agrees with a list of which only the end is looked at', () => {
    const call = fc.record({ isFailure: fc.boolean(), isSlow: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(
          fc.oneof(
            { weight: 20, arbitrary: call },
            fc.constant('clear' as const),
          ),
          { maxLength: 60 },
        ),
        (length, steps) => {
          const window = new CallWindow(length);
          let list: { isFailure: boolean; isSlow: boolean }[] = [];
          for (const step of steps) {
            if (step === 'clear') {
              window.clear();
              list = [];
            } else {
              window.record(0, step.isFailure, step.isSlow);
              list = [...list, step].slice(-length);
            }
            const failures = list.filter(({ isFailure }) => isFailure).length;
            expect(window.read(0)).toEqual({
              calls: list.length,
              failures,
              slow: list.filter(({ isSlow }) => isSlow).length,
              failureRatio: list.length === 0 ? 0 : failures / list.length,
            });
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
