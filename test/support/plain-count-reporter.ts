import type {
  Reporter,
  SerializedError,
  TestModule,
  TestSuite,
} from 'vitest/node';

/** A file of specs is told of when it has been running for so long. */
const LONG_MS = 180_000;

/**
 * One plain closing line, `N passed, N failed[, N skipped]`, for people and logs that look for it; and
 * the names of files that seem to go on for ever, which no timeout of vitest's ends where they never
 * give way to it.
 */
export default class PlainCountReporter implements Reporter {
  private readonly running = new Map<TestModule, NodeJS.Timeout>();

  onTestModuleStart(module: TestModule): void {
    const tell = setTimeout(() => {
      const name = `${module.project.name} ${module.relativeModuleId}`;
      process.stdout.write(`After ${LONG_MS / 1_000} s still runs: ${name}\n`);
    }, LONG_MS);
    tell.unref();
    this.running.set(module, tell);
  }

  onTestModuleEnd(module: TestModule): void {
    clearTimeout(this.running.get(module));
    this.running.delete(module);
  }

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
