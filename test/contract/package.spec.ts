import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entries, packageJson, readList } from '../support/entries.js';
import {
  install,
  OWN,
  packInto,
  PEERS,
  type Packed,
} from '../support/packed.js';
import { BOUND } from '../support/processes.js';
import { isRelative, modulesOf, packageOf } from '../support/syntax.js';

const temp = mkdtempSync(join(tmpdir(), 'nestjs-dace-package-'));
let packed: Packed;

/** A project that has the package and the peers of one entry. */
const consumerOf = (entry: string): string => join(temp, entry);
const packageIn = (consumer: string): string =>
  join(consumer, 'node_modules', packageJson.name);

/** What a program prints in a consumer. */
function run(entry: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, {
    ...BOUND,
    cwd: consumerOf(entry),
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    stdio: 'pipe',
  });
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
  packed = packInto(temp);
  for (const { name } of entries)
    install(packed, consumerOf(name), PEERS[name] ?? []);
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe('The packed package', () => {
  it('holds what it runs on, its texts, and nothing else', () => {
    const others = packed.files.filter(
      (path) =>
        !/^dist\/.+\.(js|d\.ts)$/.test(path) &&
        path !== 'dist/simulate/page/report.css',
    );

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

  it('is one thing, whether it is imported or required', () => {
    const program = `
      import { createRequire } from 'node:module';
      import { join } from 'node:path';
      import * as imported from '${specifier}';
      const required = createRequire(join(process.cwd(), 'x.js'))('${specifier}');
      console.log(Object.keys(required).filter((name) => imported[name] !== required[name]));
    `;

    expect(run(name, '--input-type=module', '-e', program)).toBe('[]\n');
  });

  it('names in its types only packages that are installed with it', () => {
    const named = packagesOfTypes(join(packageIn(consumerOf(name)), types));
    const installed = new Set([...OWN, ...(PEERS[name] ?? [])]);

    expect([...named].filter((peer) => !installed.has(peer))).toEqual([]);
  });
});
