/** What differs between the lines of Nest that the specs run on. */

/** Every spec of Nest runs on both lines, one project of vitest.config.mts each. */
export const isNest11 = process.env.NEST === 'nest-11';

/** What Terminus calls a dependency in trouble that is not critical: its older line knows no `degraded`. */
export const degraded = isNest11
  ? { status: 'up', overall: 'ok' }
  : { status: 'degraded', overall: 'degraded' };
