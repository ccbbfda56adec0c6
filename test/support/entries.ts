import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  isNode,
  isRelative,
  nameOf,
  statements,
  type Node,
  type Source,
} from './syntax.js';

/** The folder of the package. */
export const root = join(__dirname, '../..');

export const packageJson = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
) as {
  readonly name: string;
  readonly exports: Record<
    string,
    string | Record<'types' | 'default', string>
  >;
  readonly typesVersions: Record<'*', Record<string, readonly string[]>>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
};

/** One way into the package, as `exports` lists it. */
export interface Entry {
  /** What a user writes: `nestjs-dace/core`. */
  readonly specifier: string;
  /** `core`, and `index` for the package itself. */
  readonly name: string;
  /** `dist/core.d.ts`. */
  readonly types: string;
  /** Where its source is: `lib/core.ts` of the package. */
  readonly source: string;
  /** Where its names are pinned. */
  readonly list: string;
}

export const entries: readonly Entry[] = Object.entries(
  packageJson.exports,
).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return [];
  const name = subpath === '.' ? 'index' : subpath.slice('./'.length);
  return {
    specifier: packageJson.name + subpath.slice('.'.length),
    name,
    types: target.types.replace('./', ''),
    source: join(
      root,
      target.default.replace('./dist', 'lib').replace(/\.js$/, '.ts'),
    ),
    list: join(root, 'test/public-api', `${name}.txt`),
  };
});

/** What an entry exports; what is in `types` is gone at run time. */
export interface ExportedNames {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** Pinned names, one a line: the values, an empty line, the types. */
export const formatList = ({ values, types }: ExportedNames): string =>
  `# values\n${values.join('\n')}\n\n# types\n${types.join('\n')}\n`;

/** Reads what `formatList` wrote. */
export function readList(path: string): ExportedNames {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [values = [], types = []] = text
    .split('\n\n')
    .map((part) => part.split('\n').filter((line) => /^\w/.test(line)));
  return { values, types };
}

/** Every name a module exports, types included, sorted. */
export function exportedNames(path: string): string[] {
  return [
    ...new Set(namesOf({ path, text: readFileSync(path, 'utf8') })),
  ].toSorted();
}

function namesOf(source: Source): string[] {
  return statements(source).flatMap((statement) => {
    switch (statement.type) {
      case 'ExportNamedDeclaration':
        return [
          ...(statement.specifiers as Node[]).map(({ exported }) =>
            nameOf(exported),
          ),
          ...declaredNames(statement.declaration),
        ].filter((name) => name !== undefined);
      case 'ExportAllDeclaration':
        return namesBehindStar(source, statement);
      case 'ExportDefaultDeclaration':
        return ['default'];
      default:
        return [];
    }
  });
}

function declaredNames(declaration: unknown): (string | undefined)[] {
  if (!isNode(declaration)) return [];
  return declaration.type === 'VariableDeclaration'
    ? (declaration.declarations as Node[]).map(({ id }) => nameOf(id))
    : [nameOf(declaration.id)];
}

function namesBehindStar(source: Source, star: Node): string[] {
  const alias = nameOf(star.exported);
  if (alias !== undefined) return [alias];
  const specifier = nameOf(star.source) ?? '';
  if (!isRelative(specifier))
    throw new Error(`${source.path} exports all of ${specifier}: unpinnable`);
  return exportedNames(
    join(dirname(source.path), specifier).replace(/\.js$/, '.ts'),
  ).filter((name) => name !== 'default');
}
