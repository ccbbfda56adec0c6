import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dace-types-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What `tsc` says of an app's source; a program of its own, as the declaration holds for all of it. */
async function complaints(source: string): Promise<string> {
  await writeFile(join(folder, 'app.ts'), source);
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        paths: { 'nestjs-dace': [join(root, 'lib/index.ts')] },
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['app.ts'],
    }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}

describe('Ids that an app declares', () => {
  it(
    'compile where they are known and nowhere else',
    { timeout: 60_000 },
    async () => {
      const found = await complaints(`
      import { FaultTolerant, getDependencyToken, InjectDependency } from 'nestjs-dace';
      declare module 'nestjs-dace' {
        interface DaceDependencies { payments: true; search: true }
      }
      export class Service {
        @InjectDependency('payments') known: unknown;
        // @ts-expect-error
        @InjectDependency('paymets') unknown: unknown;
        @FaultTolerant('search') async find(): Promise<void> {}
        // @ts-expect-error
        @FaultTolerant('serach') async lost(): Promise<void> {}
      }
      getDependencyToken('payments');
      // @ts-expect-error
      getDependencyToken('paymets');
    `);

      expect(found).toBe('');
    },
  );
});
