import type { Simulation } from '../simulation/contract.js';
import type { Setting } from './settings.js';
import type { Summary } from './summary.js';

/** A setting and what became of it: one column of a report. */
export interface Run {
  readonly setting: Setting;
  readonly simulation: Simulation;
  readonly summary: Summary;
}
