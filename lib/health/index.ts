/**
 * Entry `nestjs-dace/health`: the circuits as Terminus sees them.
 */
export { DaceHealthIndicator } from './dace-health.indicator.js';
export type { DaceHealthCheckOptions } from './dace-health.indicator.js';
export { DaceHealthModule } from './dace-health.module.js';
export type { DaceHealthModuleOptions } from './dace-health.module.js';
