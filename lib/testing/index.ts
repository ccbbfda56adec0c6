/**
 * Entry `nestjs-dace/testing`: time and failures in the test's hand, methods without their
 * protection, and outages in virtual time.
 */
export { ManualClock } from './manual-clock.js';
export { DaceScript } from './dace-script.js';
export { DaceTestingModule } from './dace-testing.module.js';
export type { DaceTestingOptions } from './dace-testing.module.js';
export { unprotected } from '../nest/unprotected.js';
export { simulate } from '../simulation/simulate.js';
export { scenarios } from '../simulation/scenarios.js';
export type {
  HostBehaviour,
  HostPhase,
  HostProfile,
  Percentiles,
  Scenario,
  ScenarioRecord,
  SimulatedCallers,
  SimulatedHostSecond,
  SimulatedLatency,
  SimulatedSecond,
  SimulatedState,
  SimulatedTotals,
  SimulatedTransition,
  SimulateOptions,
  Simulation,
  TrafficPhase,
} from '../simulation/contract.js';
