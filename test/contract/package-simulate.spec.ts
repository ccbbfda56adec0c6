import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageJson } from '../support/entries.js';
import { install, packInto, PEERS } from '../support/packed.js';
import { BOUND } from '../support/processes.js';

const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-simulate-'));
const { bin } = packageJson as unknown as { bin: Record<string, string> };

/** The command as an installation links it. */
const command = () =>
  join(temp, 'node_modules', packageJson.name, bin['dace-simulate']!);

beforeAll(() => {
  install(packInto(temp), temp, PEERS['core']!);
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe('The packed dace-simulate', () => {
  it('can be executed', () => {
    expect(statSync(command()).mode & 0o111).toBe(0o111);
    expect(readFileSync(command(), 'utf8')).toMatch(
      /^#!\/usr\/bin\/env node\n/,
    );
  });

  it(
    'draws a scenario in TypeScript with no peer but axios',
    { timeout: 60_000 },
    () => {
      writeFileSync(
        join(temp, 'mine.ts'),
        `import { slowRatio, type DependencyOptions } from 'nestjs-dace/core';
       const options: DependencyOptions = { circuit: { trip: slowRatio({ slowMs: 10 }) } };
       export default { seconds: 5, options };`,
      );

      const printed = execFileSync(
        command(),
        ['mine.ts', '--out', 'mine.html'],
        {
          ...BOUND,
          cwd: temp,
          encoding: 'utf8',
          env: {
            PATH: [dirname(process.execPath), process.env['PATH']].join(
              delimiter,
            ),
          },
          stdio: 'pipe',
        },
      );

      expect(printed).toContain(`Written: ${join(temp, 'mine.html')}`);
      expect(readFileSync(join(temp, 'mine.html'), 'utf8')).toContain(
        'slowRatio',
      );
    },
  );
});
