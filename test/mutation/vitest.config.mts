import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import specs from '../../vitest.config.mjs';

/** What runs at loading is covered by all tests, unless one of them is seen to load it. */
class LoadingLast extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const isLast = ({ moduleId }: TestSpecification) =>
      moduleId.includes('/test/mutation/');
    return [...files.filter((file) => !isLast(file)), ...files.filter(isLast)];
  }
}

/** The specs that judge the mutants: examples of the mutated folders, each in a few milliseconds. */
export default defineConfig({
  oxc: specs.oxc,
  resolve: specs.resolve,
  test: {
    // What hangs has failed; waiting longer costs the worker as well.
    testTimeout: 3_000,
    include: [
      'test/unit/{balancing,circuit,core,limits,retry}/*.spec.ts',
      'test/unit/dependency/option-*.spec.ts',
      'test/composition/core-host-source.spec.ts',
      'test/mutation/*.spec.ts',
    ],
    setupFiles: ['test/mutation/properties.setup.ts'],
    sequence: { sequencer: LoadingLast },
    // A worker for each file would cost more than most mutants' tests.
    isolate: false,
  },
});
