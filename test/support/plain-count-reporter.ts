import type {
  Reporter,
  SerializedError,
  TestModule,
  TestSuite,
} from 'vitest/node';

/** One plain closing line, `N passed, N failed[, N skipped]`, for people and logs that look for it. */
export default class PlainCountReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
  ): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += brokenOutsideTests(module);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') counts[state]++;
      }
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.stdout.write(
      `${counts.passed} passed, ${counts.failed} failed${skipped}\n`,
    );
  }
}

/** Files that do not load and suites whose hooks throw have no failed test to show for it. */
function brokenOutsideTests(module: TestModule): number {
  const suites: (TestModule | TestSuite)[] = [
    module,
    ...module.children.allSuites(),
  ];
  return suites.filter((suite) => suite.errors().length > 0).length;
}
