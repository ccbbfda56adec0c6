import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/entries.js';
import {
  folderOf,
  install,
  packInto,
  PEERS,
  type NestLine,
} from '../support/packed.js';
import { BOUND } from '../support/processes.js';

/** Nest 11 is CommonJS and Nest 12 is ESM; an app of either may be of either. */
const APPS = [
  { line: 'nest-11', kind: 'CommonJS', extension: 'cts', program: 'app.cjs' },
  { line: 'nest-11', kind: 'ESM', extension: 'mts', program: 'app.mjs' },
  { line: 'nest-12', kind: 'CommonJS', extension: 'cts', program: 'app.cjs' },
  { line: 'nest-12', kind: 'ESM', extension: 'mts', program: 'app.mjs' },
] as const;

const COMPILER_OPTIONS = {
  target: 'es2022',
  module: 'nodenext',
  types: ['node'],
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
};

const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-apps-'));

/** Runs a Node program in a project, without this project's environment. */
function node(project: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, {
    ...BOUND,
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    stdio: 'pipe',
  });
}

beforeAll(() => {
  const packed = packInto(temp);
  for (const line of ['nest-11', 'nest-12'] satisfies NestLine[]) {
    const peers = [...PEERS.index!, '@nestjs/platform-express'];
    const project = join(temp, line);
    install(packed, project, peers, line);
    for (const extension of ['cts', 'mts'])
      copyFileSync(
        join(root, 'test/contract/consumers/app.ts'),
        join(project, `app.${extension}`),
      );
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS }),
    );
    node(project, join(folderOf('typescript', line), 'bin/tsc'), '-p', project);
  }
}, 120_000);

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe.each(APPS)(
  'The packed package in a $kind app on $line',
  ({ line, program }) => {
    it('protects a route, and is one thing to import and require', () => {
      const printed = node(join(temp, line), program);

      expect(JSON.parse(printed)).toEqual({
        status: 200,
        body: { path: '/7' },
        ran: 1,
        totals: [1, 1, 1],
        isOne: true,
      });
    }, 60_000);
  },
);
