import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkPackage,
  createPackageFromTarballData,
} from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entries, packageJson, root } from '../support/entries.js';
import {
  folderOf,
  install,
  packInto,
  PEERS,
  type NestLine,
  type Packed,
} from '../support/packed.js';
import { BOUND } from '../support/processes.js';

const LINES: readonly NestLine[] = ['nest-11', 'nest-12'];

/** The compilers that users have, where npm put them. */
const COMPILERS = {
  '5.9': folderOf('typescript', 'nest-11'),
  '6.0': folderOf('typescript', 'nest-12'),
  '7.0': join(root, 'node_modules/typescript'),
} as const;
type Compiler = keyof typeof COMPILERS;
const EVERY_COMPILER = Object.keys(COMPILERS) as Compiler[];

/** How a project finds modules, and which files tell its kind: `.mts` imports, `.cts` requires. */
interface Resolution {
  readonly name: string;
  readonly extensions: readonly string[];
  readonly options: object;
  readonly compilers?: readonly Compiler[];
  readonly lines?: readonly NestLine[];
}
const RESOLUTIONS: readonly Resolution[] = [
  {
    name: 'nodenext',
    extensions: ['cts', 'mts'],
    options: { module: 'nodenext' },
  },
  {
    name: 'node20',
    extensions: ['cts', 'mts'],
    options: { module: 'node20' },
  },
  {
    name: 'node16',
    extensions: ['cts', 'mts'],
    options: { module: 'node16' },
    lines: ['nest-11'],
  },
  {
    // A Node of 2022 could not require Nest 12, and our declarations are those of a CommonJS build.
    name: 'node16, its declarations unchecked',
    extensions: ['mts'],
    options: { module: 'node16', skipLibCheck: true },
    lines: ['nest-12'],
  },
  {
    name: 'bundler',
    extensions: ['ts'],
    options: { module: 'esnext', moduleResolution: 'bundler' },
  },
  {
    name: 'node10',
    extensions: ['ts'],
    options: { module: 'commonjs', moduleResolution: 'node10' },
    compilers: ['5.9'],
  },
];
const PROGRAMS = RESOLUTIONS.flatMap(
  ({ compilers = EVERY_COMPILER, lines = LINES, ...resolution }) =>
    compilers.flatMap((compiler) =>
      lines.map((line) => ({ ...resolution, compiler, line })),
    ),
);

/** The ids of the consumers' app, and what the compiler must refuse from then on. */
const IDS = `
import { getDependencyToken } from 'nestjs-dace';
declare module 'nestjs-dace' {
  interface DaceDependencies { payments: true; search: true }
}
getDependencyToken('payments');
// @ts-expect-error -- no such id
getDependencyToken('serach');
`;

const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-types-'));
let packed: Packed;

/** What the compiler says of the consumers and of our declarations; those of peers are theirs. */
function diagnostics(compiler: Compiler, project: string): Promise<string[]> {
  const tsc = join(COMPILERS[compiler], 'bin/tsc');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [tsc, '-p', project, '--pretty', 'false'],
      // Side by side with others.
      { ...BOUND, timeout: 110_000, cwd: project, encoding: 'utf8' },
      (error, stdout) => {
        const ours = /^(?!\s|\.\.\/(?!node_modules\/nestjs-dace\/))./;
        if (error?.killed === true) reject(error);
        else resolve(stdout.split('\n').filter((text) => ours.test(text)));
      },
    );
  });
}

beforeAll(() => {
  packed = packInto(temp);
  for (const line of LINES) {
    const peers = new Set(Object.values(PEERS).flat());
    install(packed, join(temp, line), [...peers, '@nestjs/testing'], line);
  }
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe.concurrent.each(PROGRAMS)(
  'The packed types, for TypeScript $compiler on $line with $name',
  ({ name, compiler, line, extensions, options }) => {
    it('compile in a strict project', async () => {
      const project = join(
        temp,
        line,
        `${name.replaceAll(/\W/g, '')}-${compiler}`,
      );
      mkdirSync(project);
      for (const extension of extensions) {
        writeFileSync(join(project, `ids.${extension}`), IDS);
        for (const entry of entries)
          copyFileSync(
            join(root, `test/contract/consumers/${entry.name}.ts`),
            join(project, `${entry.name}.${extension}`),
          );
      }
      writeFileSync(
        join(project, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable'],
            types: ['node'],
            strict: true,
            exactOptionalPropertyTypes: true,
            noUncheckedIndexedAccess: true,
            noPropertyAccessFromIndexSignature: true,
            useUnknownInCatchVariables: true,
            experimentalDecorators: true,
            emitDecoratorMetadata: true,
            noEmit: true,
            ...options,
          },
        }),
      );

      expect(await diagnostics(compiler, project)).toEqual([]);
    }, 120_000);
  },
);

describe('The packed types', () => {
  it('are found and fit the code, whoever resolves them', async () => {
    const data = createPackageFromTarballData(readFileSync(packed.tarball));

    const analysis = await checkPackage(data);

    expect(analysis.types && analysis).toMatchObject({
      packageName: packageJson.name,
      problems: [],
    });
    expect(
      Object.keys('entrypoints' in analysis ? analysis.entrypoints : {}),
    ).toHaveLength(Object.keys(packageJson.exports).length);
  }, 60_000);

  it('and the manifest leave publint nothing to say', async () => {
    const tarball = readFileSync(packed.tarball);

    const { messages, pkg } = await publint({
      pack: {
        tarball: tarball.buffer.slice(
          tarball.byteOffset,
          tarball.byteOffset + tarball.byteLength,
        ),
      },
      strict: true,
    });

    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });
});
