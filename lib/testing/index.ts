/**
 * Entry `nestjs-dace/testing`: time and failures in the test's hand, and methods without their
 * protection.
 */
export { ManualClock } from './manual-clock.js';
export { DaceScript } from './dace-script.js';
export { DaceTestingModule } from './dace-testing.module.js';
export type { DaceTestingOptions } from './dace-testing.module.js';
export { unprotected } from '../nest/unprotected.js';
