import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const here = (path: string): string =>
  fileURLToPath(new URL(path, import.meta.url));

/** The package's own names lead to its sources, so specs import what a user would. */
const entry = (name: string, source: string) => ({
  find: new RegExp(`^${name}$`),
  replacement: here(source),
});
const entries = [
  entry('nestjs-dace', './lib/index.ts'),
  entry('nestjs-dace/core', './lib/core.ts'),
  entry('nestjs-dace/health', './lib/health/index.ts'),
  entry('nestjs-dace/testing', './lib/testing/index.ts'),
];

/** One Nest for the sources and the specs alike: what test/nest-… lists, where npm put it. */
function packagesOf(nest: string) {
  const manifest = readFileSync(here(`./test/${nest}/package.json`), 'utf8');
  const { devDependencies } = JSON.parse(manifest) as {
    devDependencies: Record<string, string>;
  };
  return Object.keys(devDependencies).flatMap((name) => {
    const own = here(`./test/${nest}/node_modules/${name}`);
    return existsSync(own)
      ? [{ find: new RegExp(`^${name}(?=/|$)`), replacement: own }]
      : [];
  });
}

const PACKAGE_SPECS = 'test/contract/package*.spec.ts';
/** A page, which knows no Nest. */
const REPORT_SPEC = 'test/e2e/simulate-report.spec.ts';
/** An app of its own, which runs its specs itself. */
const APP_SPECS = 'test/nest-11-app/**';

const project = (
  name: string,
  nest: string,
  include: string[],
  exclude: string[] = [],
) => ({
  extends: true as const,
  resolve: { alias: packagesOf(nest) },
  test: {
    name,
    include,
    exclude: [...configDefaults.exclude, APP_SPECS, ...exclude],
    env: { NEST: nest },
  },
});

export default defineConfig({
  // Nest means legacy decorators, and injects by the types they leave behind.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { alias: entries },
  test: {
    // All cores: vitest would leave one of two to itself.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    setupFiles: [here('./test/support/watchdog.ts')],
    reporters: ['default', './test/support/plain-count-reporter.ts'],
    coverage: { include: ['lib/**/*.ts'] },
    projects: [
      project('nest-12', 'nest-12', ['test/**/*.spec.ts'], [PACKAGE_SPECS]),
      // Whatever touches Nest runs on its older line as well.
      project(
        'nest-11',
        'nest-11',
        [
          'test/e2e/**/*.spec.ts',
          'test/composition/nest-*.spec.ts',
          'test/unit/nest/**/*.spec.ts',
        ],
        [REPORT_SPEC],
      ),
      // On what `npm run build` has built.
      project('package', 'nest-12', [PACKAGE_SPECS]),
    ],
  },
});
