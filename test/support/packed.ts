/**
 * The package as a user gets it: packed, and laid beside the peers of a project of theirs. Nothing
 * is downloaded: the peers are those of this repository.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageJson, root } from './entries.js';
import { BOUND } from './processes.js';

/** The lines of Nest that the workspaces `test/nest-…` hold. */
export type NestLine = 'nest-11' | 'nest-12';

/** What a user installs beside the package to use an entry, and nothing else. */
const PLAIN = ['axios'];
const NEST = [
  ...PLAIN,
  '@nestjs/axios',
  '@nestjs/common',
  '@nestjs/core',
  'reflect-metadata',
  'rxjs',
];
export const PEERS: Readonly<Record<string, readonly string[]>> = {
  index: NEST,
  core: PLAIN,
  health: [...NEST, '@nestjs/terminus'],
  testing: NEST,
};

/** What the package brings itself. */
export const OWN = Object.keys(packageJson.dependencies);

export interface Packed {
  readonly tarball: string;
  readonly files: readonly string[];
}

/** Packs what `npm run build` has built. */
export function packInto(folder: string): Packed {
  if (!existsSync(join(root, 'dist')))
    throw new Error('There is no dist yet: npm run build');
  const answer = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    {
      ...BOUND,
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const [packed] = JSON.parse(answer) as [
    { filename: string; files: { path: string }[] },
  ];
  return {
    tarball: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
  };
}

/** Lays the package into `node_modules` of `project`. */
export function unpack({ tarball }: Packed, project: string): void {
  const target = join(project, 'node_modules', packageJson.name);
  mkdirSync(target, { recursive: true });
  const args = ['-xzf', tarball, '-C', target, '--strip-components=1'];
  execFileSync('tar', args, BOUND);
}

/** As `unpack`, with what the package brings itself, and `peers` of one line of Nest. */
export function install(
  packed: Packed,
  project: string,
  peers: readonly string[],
  line: NestLine = 'nest-12',
): void {
  unpack(packed, project);
  for (const name of [...OWN, '@types/node', ...peers]) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(folderOf(name, line), link, 'junction');
  }
}

/** Where npm put a package of one line of Nest. */
export function folderOf(name: string, line: NestLine): string {
  const own = join(root, 'test', line, 'node_modules', name);
  return existsSync(own) ? own : join(root, 'node_modules', name);
}
