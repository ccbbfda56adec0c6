import { execFileSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entries, root } from '../support/entries.js';
import { BOUND } from '../support/processes.js';

const declaration = `
  declare module 'nestjs-dace' {
    interface DaceDependencies { payments: true; search: true }
  }
`;
const uses = `
  import {
    DaceModule, DaceRegistry, FaultTolerant, getDependencyToken, getHttpServiceToken,
    InjectDependency, InjectHttpService,
    type DependencyId, type DependencyOptions,
  } from 'nestjs-dace';
  import type { DaceHealthIndicator } from 'nestjs-dace/health';
  import { DaceTestingModule } from 'nestjs-dace/testing';

  export class Uses {
    constructor(
      @InjectDependency('search') readonly search: unknown,
      // WRONG
      @InjectDependency('serach') readonly serach: unknown,
    ) {}

    @FaultTolerant('payments')
    async declared(): Promise<void> {}

    // WRONG
    @FaultTolerant('paymets')
    async misspelt(): Promise<void> {}

    // WRONG
    @FaultTolerant('paymets', { fallback: 'spare' })
    async misspeltWithFallback(): Promise<void> {}
    spare(): void {}
  }

  declare const registry: DaceRegistry;
  declare const health: DaceHealthIndicator;
  declare const config: Record<string, DependencyOptions>;
  declare const dynamic: string;
  export const right = [
    getDependencyToken('search'),
    getHttpServiceToken('search'),
    InjectHttpService('search'),
    registry.get('search'),
    registry.ids().map((id) => registry.get(id)),
    registry.get(dynamic as DependencyId),
    registry.has(dynamic),
    health.check(['search']),
    DaceModule.forRoot({ payments: {}, search: {} }),
    DaceModule.forRoot({ payments: {} }),
    DaceModule.forRoot(config),
    DaceModule.forFeature({ search: {} }),
    DaceModule.forRootAsync({ dependencies: ['search'], useFactory: () => ({ search: {} }) }),
    DaceTestingModule.forRoot({ search: {} }),
    DaceTestingModule.unprotected(['search']),
  ];
  export const wrong = [
    // WRONG
    getDependencyToken('serach'),
    // WRONG
    getHttpServiceToken('serach'),
    // WRONG
    InjectHttpService('serach'),
    // WRONG
    registry.get('serach'),
    // WRONG
    health.check(['serach']),
    // WRONG
    DaceModule.forRoot({ payments: {}, serach: {} }),
    // WRONG
    DaceModule.forFeature({ serach: {} }),
    // WRONG
    DaceModule.forRootAsync({ dependencies: ['serach'], useFactory: () => ({}) }),
    // WRONG
    DaceModule.forFeatureAsync({ dependencies: ['search'], useFactory: () => ({ serach: {} }) }),
    // WRONG
    DaceTestingModule.forRoot({ serach: {} }),
    // WRONG
    DaceTestingModule.unprotected(['serach']),
  ];
`;
const wrongLines = uses.split('// WRONG').length - 1;

/** A program of its own: a declaration of ids holds for the whole program it is in. */
describe('Ids', { timeout: 60_000 }, () => {
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
          paths: Object.fromEntries(
            entries.map(({ specifier, source }) => [specifier, [source]]),
          ),
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
        ...BOUND,
        encoding: 'utf8',
      });
      return [];
    } catch (error) {
      const { status, stdout } = error as SpawnSyncReturns<string>;
      if (status === null) throw error;
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
    expect(linesOf(compile(uses + declaration))).toHaveLength(wrongLines);
  });
});
