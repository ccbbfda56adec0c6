/**
 * One value of a host over time. It is asked in the order of time, as time passes.
 */

/** A change of the value. */
export interface Change<T> {
  readonly fromMs: number;
  /** How long it takes to get there; 0 = at once. */
  readonly rampMs: number;
  readonly value: T;
}

interface Step<T> extends Change<T> {
  readonly before: T;
}

export class Track<T> {
  private readonly steps: Step<T>[] = [];
  private index = -1;

  constructor(
    private readonly first: T,
    changes: readonly Change<T>[],
    /** The value at `part` of the way; without it a value changes at once. */
    private readonly between?: (from: T, to: T, part: number) => T,
  ) {
    for (const change of changes)
      this.steps.push({ ...change, before: this.at(change.fromMs) });
    this.index = -1;
  }

  at(nowMs: number): T {
    const { steps } = this;
    while (
      this.index + 1 < steps.length &&
      steps[this.index + 1]!.fromMs <= nowMs
    )
      this.index += 1;
    const step = steps[this.index];
    if (step === undefined) return this.first;
    const { fromMs, rampMs, before, value } = step;
    if (this.between === undefined || nowMs >= fromMs + rampMs) return value;
    return this.between(before, value, (nowMs - fromMs) / rampMs);
  }
}
