/**
 * Changes the parts that decide, one small thing at a time, and looks whether a unit test notices:
 * `npm run mutation`, or a part with `npm run mutation -- --mutate 'lib/limits/*.ts'`.
 */
export const FOLDERS = ['balancing', 'circuit', 'core', 'limits', 'retry'];

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.mts', related: false },
  mutate: FOLDERS.map((folder) => `lib/${folder}/*.ts`),
  ignorePatterns: ['.stryker', 'bench', 'coverage', 'dist', 'docs', 'sample'],
  // Its paths need no rewriting, and the API for that is gone from TypeScript 7.
  tsconfigFile: 'none.json',
  concurrency: 1,
  // On top of one and a half times what the tests take.
  timeoutMS: 2_000,
  incremental: true,
  incrementalFile: '.stryker/incremental.json',
  tempDirName: '.stryker/sandbox',
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: {
    allowColor: false,
    allowEmojis: false,
    reportTests: false,
  },
  htmlReporter: { fileName: '.stryker/report.html' },
  jsonReporter: { fileName: '.stryker/report.json' },
  thresholds: { high: 95, low: 90, break: 90 },
};
