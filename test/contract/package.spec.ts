import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entries, packageJson, readList, root } from '../support/entries.js';
import { isRelative, modulesOf, packageOf } from '../support/syntax.js';

/** What a user installs beside the package to use an entry, and nothing else. */
const PLAIN = ['axios'];
const NEST = [
  ...PLAIN,
  '@nestjs/common',
  '@nestjs/core',
  'reflect-metadata',
  'rxjs',
];
const PEERS: Readonly<Record<string, readonly string[]>> = {
  index: [...NEST, '@nestjs/axios'],
  core: PLAIN,
  health: [...NEST, '@nestjs/terminus'],
  testing: NEST,
};
const OWN = Object.keys(packageJson.dependencies);

const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-package-'));
let files: string[] = [];

/** A project that has the package and the peers of one entry. */
const consumerOf = (entry: string): string => join(temp, entry);
const packageIn = (consumer: string): string =>
  join(consumer, 'node_modules', packageJson.name);

function pack(): string {
  if (!existsSync(join(root, 'dist')))
    throw new Error('There is no dist yet: npm run build');
  const answer = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', temp],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const [packed] = JSON.parse(answer) as [
    { filename: string; files: { path: string }[] },
  ];
  files = packed.files.map(({ path }) => path);
  return join(temp, packed.filename);
}

function install(tarball: string, entry: string): void {
  const consumer = consumerOf(entry);
  const target = packageIn(consumer);
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  for (const name of [...OWN, '@types/node', ...(PEERS[entry] ?? [])]) {
    const link = join(consumer, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link, 'junction');
  }
}

/** What a program prints in a consumer. */
function run(entry: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, {
    cwd: consumerOf(entry),
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    stdio: 'pipe',
  });
}

/** What the compiler says of a consumer's file and of our declarations; those of peers are theirs. */
function typeErrors(entry: string, file: string): string[] {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = '--strict --noEmit --module nodenext --target es2022';
  const { stdout } = spawnSync(
    process.execPath,
    [tsc, '--pretty', 'false', ...options.split(' '), file],
    { cwd: consumerOf(entry), encoding: 'utf8' },
  );
  const ours = [file, `node_modules/${packageJson.name}/`];
  return stdout
    .split('\n')
    .filter((line) => ours.some((path) => line.startsWith(path)));
}

/** The packages that a declaration file leads to, through all files it imports. */
function packagesOfTypes(path: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(path)) return packages;
  seen.add(path);
  for (const specifier of modulesOf({
    path,
    text: readFileSync(path, 'utf8'),
  })) {
    const next = join(dirname(path), specifier).replace(/\.js$/, '.d.ts');
    if (isRelative(specifier))
      packagesOfTypes(next, seen).forEach((name) => packages.add(name));
    else if (!isBuiltin(specifier)) packages.add(packageOf(specifier));
  }
  return packages;
}

beforeAll(() => {
  const tarball = pack();
  for (const { name } of entries) install(tarball, name);
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe('The packed package', () => {
  it('holds what it runs on, its texts, and nothing else', () => {
    const others = files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path));

    expect(others.toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ]);
  });
});

describe.each(entries)('The packed $specifier', (entry) => {
  const { specifier, name, types } = entry;
  const { values } = readList(entry.list);

  it('shows its names to import, with only its own peers installed', () => {
    const names = values.join(', ');
    const program = `
      import { ${names} } from '${specifier}';
      console.log(Object.values({ ${names} }).every((value) => value !== undefined));
    `;

    expect(values).not.toEqual([]);
    expect(run(name, '--input-type=module', '-e', program)).toBe('true\n');
  });

  it('gives require the same names', () => {
    const program = `console.log(Object.keys(require('${specifier}')).sort().join(' '))`;

    expect(run(name, '-e', program)).toBe(`${values.join(' ')}\n`);
  });

  it('names in its types only packages that are installed with it', () => {
    const named = packagesOfTypes(join(packageIn(consumerOf(name)), types));
    const installed = new Set([...OWN, ...(PEERS[name] ?? [])]);

    expect([...named].filter((peer) => !installed.has(peer))).toEqual([]);
  });

  it('compiles in a project of its own', () => {
    writeFileSync(
      join(consumerOf(name), 'use.ts'),
      `import * as dace from '${specifier}';\nexport const all = dace;\n`,
    );

    expect(typeErrors(name, 'use.ts')).toEqual([]);
  });
});
