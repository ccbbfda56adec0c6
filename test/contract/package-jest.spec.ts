import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageJson, root } from '../support/entries.js';
import { packInto, unpack } from '../support/packed.js';

/** What `nest new` of Nest 11 makes, with the module used in it: see its package.json. */
const app = join(root, 'test/nest-11-app');
const installed = join(app, 'node_modules', packageJson.name);
const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-jest-'));

/** Runs one of the app's own npm scripts and shows how it ended. */
function npmRun(script: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['run', '--silent', script],
    {
      cwd: app,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true' },
      timeout: 100_000,
      killSignal: 'SIGKILL',
      shell: process.platform === 'win32',
    },
  );
  return { status, output: stdout + stderr };
}

beforeAll(() => {
  rmSync(installed, { recursive: true, force: true });
  unpack(packInto(temp), app);
});

afterAll(() => {
  rmSync(installed, { recursive: true, force: true });
  rmSync(temp, { recursive: true, force: true });
});

describe('A CommonJS project of Nest 11 with Jest, as its schematic makes it,', () => {
  it('compiles', () => {
    expect(npmRun('build')).toEqual({ status: 0, output: '' });
  }, 120_000);

  it.each([
    ['test', 'Tests:       6 passed, 6 total'],
    ['test:e2e', 'Tests:       8 passed, 8 total'],
  ])(
    'runs its own npm run %s',
    (script, counted) => {
      const { status, output } = npmRun(script);

      expect(output).toContain(counted);
      // What Jest says where something of ours holds the process.
      expect(output).not.toMatch(/did not exit|open handle|force exited/);
      expect(status).toBe(0);
    },
    120_000,
  );
});
