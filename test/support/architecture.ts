import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import {
  isRelative,
  modulesOf,
  packageOf,
  statements,
  type Source,
} from './syntax.js';

/**
 * Who may use whom, from the ground up: a folder imports from folders of its own row only.
 * The entries `index.ts` and `core.ts` are rows of their own and nobody's material.
 */
export const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = (() => {
  const calls = ['core', 'circuit', 'limits', 'retry', 'balancing', 'http'];
  const plain = [...calls, 'dependency', 'store', 'telemetry'];
  const all = [...plain, 'nest', 'health', 'dashboard', 'testing'];
  return new Map([
    ['core', []],
    ['circuit', ['core']],
    ['limits', ['core']],
    ['retry', ['core']],
    ['balancing', ['core', 'circuit', 'limits']],
    ['http', ['core']],
    // telemetry knows core alone, so an executor may write its log with it.
    ['dependency', [...calls, 'telemetry']],
    ['store', ['core', 'circuit']],
    ['telemetry', ['core']],
    ['nest', plain],
    ['health', all],
    ['dashboard', all],
    ['testing', [...all, 'simulation']],
    ['simulation', plain],
    ['simulate', [...plain, 'simulation']],
    ['core.ts', plain],
    ['index.ts', [...plain, 'nest', 'core.ts']],
  ]);
})();

const FRAMEWORK_FOLDERS = new Set(['nest', 'health', 'dashboard', 'testing']);
const isFramework = (specifier: string): boolean =>
  specifier.startsWith('@nestjs/') || packageOf(specifier) === 'rxjs';

const MOST_LINES = 300;
const MOST_LINES_MEDIAN = 110;

/** The sources below `folder`, their paths relative to it. */
export function readSources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({
      path: path.replaceAll('\\', '/'),
      text: readFileSync(posix.join(folder, path), 'utf8'),
    }))
    .toSorted((a, b) => a.path.localeCompare(b.path));
}

/** `circuit/recovery.ts` → `circuit`; an entry is its own room. */
const roomOf = (path: string): string => path.split('/')[0] ?? path;

/** The sources that `source` imports, as paths. */
const importedPaths = (source: Source): string[] =>
  modulesOf(source)
    .filter(isRelative)
    .map((specifier) =>
      posix.join(posix.dirname(source.path), specifier).replace(/\.js$/, '.ts'),
    );

/** Imports from a folder that is not below one's own. */
export function directionProblems(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const room = roomOf(source.path);
    const allowed = MAY_IMPORT.get(room);
    if (allowed === undefined) return [`${source.path}: unknown room ${room}`];
    return importedPaths(source)
      .map((path) => [path, roomOf(path)] as const)
      .filter(([, target]) => target !== room && !allowed.includes(target))
      .map(([path]) => `${source.path} imports ${path}`);
  });
}

/** Chains of imports that come back to where they began, each told once. */
export function cycleProblems(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((s) => [s.path, importedPaths(s)]));
  const done = new Set<string>();
  const chain: string[] = [];
  const problems: string[] = [];
  const visit = (path: string): void => {
    const seenAt = chain.indexOf(path);
    if (seenAt >= 0) problems.push([...chain.slice(seenAt), path].join(' → '));
    if (seenAt >= 0 || done.has(path)) return;
    chain.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    chain.pop();
    done.add(path);
  };
  for (const path of imports.keys()) visit(path);
  return problems;
}

/** Imports of Nest or rxjs where plain Node is promised. */
export function frameworkProblems(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !FRAMEWORK_FOLDERS.has(roomOf(path)))
    .flatMap((source) =>
      modulesOf(source)
        .filter(isFramework)
        .map((specifier) => `${source.path} imports ${specifier}`),
    );
}

/** Imports of packages that an installation would not bring. */
export function undeclaredProblems(
  sources: readonly Source[],
  declared: ReadonlySet<string>,
): string[] {
  return sources.flatMap((source) =>
    modulesOf(source)
      .filter((specifier) => !isRelative(specifier) && !isBuiltin(specifier))
      .filter((specifier) => !declared.has(packageOf(specifier)))
      .map((specifier) => `${source.path} imports ${specifier}`),
  );
}

const linesOf = ({ text }: Source): number =>
  text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/** Files, or a median, too long to be read at one sitting. */
export function sizeProblems(sources: readonly Source[]): string[] {
  const lines = sources.map(linesOf).toSorted((a, b) => a - b);
  const median = lines[Math.floor(lines.length / 2)] ?? 0;
  return [
    ...sources
      .filter((source) => linesOf(source) > MOST_LINES)
      .map((source) => `${source.path} has ${linesOf(source)} lines`),
    ...(median > MOST_LINES_MEDIAN ? [`the median is ${median} lines`] : []),
  ];
}

/** Statements of an entry that are not `export { names } from`. */
export function entryProblems(source: Source): string[] {
  return statements(source)
    .filter(({ type, source: from, specifiers }) => {
      const isNamed =
        type === 'ExportNamedDeclaration' && from !== null && specifiers;
      return !isNamed;
    })
    .map(({ type, start }) => {
      const line = source.text.slice(0, start).split('\n').length;
      return `${source.path}:${line} is no named export from elsewhere: ${type}`;
    });
}
