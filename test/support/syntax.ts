import { parseSync } from 'vite';

/** A node of a syntax tree, as far as the checks look at it. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

/** A source text with the path it is talked about by. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** The statements of a TypeScript text. */
export function statements({ path, text }: Source): readonly Node[] {
  const { program, errors } = parseSync(path, text, { lang: 'ts' });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  return program.body as unknown as Node[];
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Node>).type === 'string';

/** The nodes directly below `node`, each with the property that holds it. */
export function* children(node: Node): Generator<[string, Node]> {
  for (const [property, value] of Object.entries(node)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (isNode(item)) yield [property, item];
    }
  }
}

/** `node` and all nodes below it. */
export function* descendants(node: Node): Generator<Node> {
  yield node;
  for (const [, child] of children(node)) yield* descendants(child);
}

/** The name of an identifier, or the text of a string literal. */
export function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  const name = node.type === 'Identifier' ? node.name : node.value;
  return typeof name === 'string' ? name : undefined;
}

/** The module that `node` itself reaches for: import, re-export, `import()`, `require()`, import type. */
export function moduleReachedBy(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return nameOf(node.source);
    case 'TSExternalModuleReference':
      return nameOf(node.expression);
    case 'CallExpression':
      return nameOf(node.callee) === 'require'
        ? nameOf((node.arguments as Node[])[0])
        : undefined;
    default:
      return undefined;
  }
}

/** Every module a text reaches for, types included, in the order of the text. */
export function modulesOf(source: Source): string[] {
  return statements(source)
    .flatMap((statement) => Array.from(descendants(statement)))
    .map(moduleReachedBy)
    .filter((specifier) => specifier !== undefined);
}

export const isRelative = (specifier: string): boolean =>
  specifier.startsWith('.');

/** `@scope/name/deep` → `@scope/name`. */
export const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
