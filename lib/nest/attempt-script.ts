import type { Call } from '../dependency/call.js';

/** What a test has attempts do in place of their work. */
export interface AttemptScript {
  /** What the attempt `call` does: its work, or what stands in for it. */
  workOf<T>(call: Call, work: (call: Call) => T): (call: Call) => T;
}
