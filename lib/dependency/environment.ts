/**
 * What is around a dependency: time, chance, and those who hear of it.
 */
import type { Clock } from '../core/clock.js';
import type { DaceListener } from '../core/events.js';
import type { DaceLogger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Call } from './call.js';
import type { DependencyOptions } from './options.js';

/** What a dependency takes from around it. @publicApi */
export interface DependencyEnvironment {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Without one it is silent. */
  readonly logger?: DaceLogger | undefined;
  readonly onEvent?: DaceListener | undefined;
  /** Options below the dependency's own. */
  readonly defaults?: DependencyOptions | undefined;
  /** Runs an attempt's work in an async context of the caller's framework. */
  readonly enterAttempt?: <T>(call: Call, work: (call: Call) => T) => T;
}
