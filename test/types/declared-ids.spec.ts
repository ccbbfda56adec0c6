import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../support/entries.js';

const declaration = `
  declare module 'nestjs-dace' {
    interface DaceDependencies { payments: true; search: true }
  }
`;
const uses = `
  import {
    DaceModule, FaultTolerant, getDependencyToken, InjectDependency,
  } from 'nestjs-dace';

  export class Uses {
    constructor(@InjectDependency('search') readonly search: unknown) {}

    @FaultTolerant('payments')
    async declared(): Promise<void> {}

    // WRONG
    @FaultTolerant('paymets')
    async misspelt(): Promise<void> {}
  }
  export const token = getDependencyToken('search');
  // WRONG
  export const wrongToken = getDependencyToken('serach');
  // WRONG
  export const wrongInject = InjectDependency('serach');
  export const module = DaceModule.forRoot({ payments: {}, search: {} });
`;

/** A program of its own: a declaration of ids holds for the whole program it is in. */
describe('Ids', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-dace-types-'));
    symlinkSync(
      join(root, 'node_modules'),
      join(folder, 'node_modules'),
      'junction',
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          paths: { 'nestjs-dace': [join(root, 'lib/index.ts')] },
        },
        files: ['main.ts'],
        include: [],
      }),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What the compiler complains of in `source`, one line each. */
  function compile(source: string): string[] {
    writeFileSync(join(folder, 'main.ts'), source);
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    try {
      execFileSync(process.execPath, [compiler, '-p', folder, '--noEmit'], {
        encoding: 'utf8',
      });
      return [];
    } catch (error) {
      const { stdout } = error as { stdout: string };
      return stdout.split('\n').filter((line) => line.includes('main.ts('));
    }
  }

  const linesOf = (errors: readonly string[]): unknown[] => [
    ...new Set(errors.map((error) => /\((\d+),/.exec(error)?.[1])),
  ];

  it('are any strings while the app declares none', () => {
    expect(compile(uses)).toEqual([]);
  });

  it('that the app declares are the only ones', () => {
    const expected = uses.replaceAll(
      '// WRONG',
      '// @ts-expect-error -- no such id',
    );

    expect(compile(expected + declaration)).toEqual([]);
    expect(linesOf(compile(uses + declaration))).toHaveLength(3);
  });
});
