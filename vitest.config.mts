import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The package's own names lead to its sources, so specs import what a user would. */
const entry = (name: string, source: string) => ({
  find: new RegExp(`^${name}$`),
  replacement: fileURLToPath(new URL(source, import.meta.url)),
});

export default defineConfig({
  // Nest means legacy decorators, and injects by the types they leave behind.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    alias: [
      entry('nestjs-dace', './lib/index.ts'),
      entry('nestjs-dace/core', './lib/core.ts'),
      entry('nestjs-dace/health', './lib/health/index.ts'),
      entry('nestjs-dace/testing', './lib/testing/index.ts'),
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    testTimeout: 10_000,
    hookTimeout: 30_000,
    reporters: ['default', './test/support/plain-count-reporter.ts'],
    coverage: { include: ['lib/**/*.ts'] },
  },
});
