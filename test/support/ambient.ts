import {
  children,
  isNode,
  moduleReachedBy,
  nameOf,
  statements,
  type Node,
  type Source,
} from './syntax.js';

/** The two files through which time and chance enter. */
export const AMBIENT_FILES: ReadonlySet<string> = new Set([
  'core/clock.ts',
  'core/random.ts',
]);

const GLOBALS = new Set([
  'performance',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);
const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['AbortSignal', ['timeout']],
  ['Date', ['now']],
  ['Math', ['random']],
  ['process', ['hrtime', 'uptime']],
  ['crypto', ['getRandomValues', 'randomUUID']],
]);
const MODULES = new Set(['timers', 'timers/promises', 'perf_hooks']);
const CHANCE_OF_CRYPTO = /^(random|getRandomValues$|webcrypto$)/;
const GLOBAL_OBJECTS = new Set(['globalThis', 'global']);
/** Below these stand types, which read no clock. */
const TYPES = new Set([
  'implements',
  'returnType',
  'typeAnnotation',
  'typeArguments',
  'typeParameters',
]);

/** Places where time, chance or a timer is taken from the surroundings. */
export function ambientProblems(source: Source): string[] {
  const problems: string[] = [];
  const visit = (node: Node): void => {
    const found = ambientUse(node);
    if (found !== undefined) {
      const line = source.text.slice(0, node.start).split('\n').length;
      problems.push(`${source.path}:${line} uses ${found}`);
      return;
    }
    for (const [property, child] of children(node)) {
      if (!TYPES.has(property) && !isName(node, property)) visit(child);
    }
  };
  statements(source).forEach(visit);
  return problems;
}

/** `a` in `x.a`, `{ a: 1 }`, `class { a() {} }`: a name that refers to nothing. */
function isName(parent: Node, property: string): boolean {
  if (parent.computed === true) return false;
  return parent.type === 'MemberExpression'
    ? property === 'property'
    : property === 'key';
}

function ambientUse(node: Node): string | undefined {
  return (
    ambientModule(node) ??
    ambientDate(node) ??
    ambientName(node) ??
    ambientPattern(node)
  );
}

function ambientModule(node: Node): string | undefined {
  const specifier = moduleReachedBy(node);
  const bare = specifier?.replace(/^node:/, '');
  if (bare === undefined) return undefined;
  if (MODULES.has(bare)) return specifier;
  if (bare !== 'crypto' || !Array.isArray(node.specifiers)) return undefined;
  const names = (node.specifiers as Node[]).map((s) => nameOf(s.imported));
  return names.find((name) => name && CHANCE_OF_CRYPTO.test(name));
}

/** `new Date()` and `Date()` ask for now; `new Date(ms)` does not. */
function ambientDate(node: Node): string | undefined {
  if (!isNode(node.callee) || globalName(node.callee) !== 'Date')
    return undefined;
  if (node.type === 'CallExpression') return 'Date()';
  const given = node.arguments as readonly Node[];
  return given.length === 0 ? 'new Date()' : undefined;
}

/** `setTimeout`, `globalThis.setTimeout`, `Date.now`, `Math['random']`. */
function ambientName(node: Node): string | undefined {
  const name = globalName(node);
  if (name !== undefined && GLOBALS.has(name)) return name;
  if (node.type !== 'MemberExpression') return undefined;
  const owner = globalName(node.object) ?? '';
  const member = memberName(node) ?? '';
  return MEMBERS.get(owner)?.includes(member)
    ? `${owner}.${member}`
    : undefined;
}

/** `const { now } = Date`. */
function ambientPattern(node: Node): string | undefined {
  if (node.type !== 'VariableDeclarator' || !isNode(node.id)) return undefined;
  const owner = globalName(node.init) ?? '';
  const taken = (node.id.properties ?? []) as readonly Node[];
  const member = taken
    .map(({ key }) => nameOf(key))
    .find((key) => key && MEMBERS.get(owner)?.includes(key));
  return member && `${owner}.${member}`;
}

/** What a node names among the globals: `Date` for `Date` and for `globalThis.Date`. */
function globalName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier') return nameOf(node);
  if (node.type !== 'MemberExpression') return undefined;
  return GLOBAL_OBJECTS.has(nameOf(node.object) ?? '')
    ? memberName(node)
    : undefined;
}

const memberName = (node: Node): string | undefined =>
  node.computed === true && isNode(node.property)
    ? node.property.type === 'Literal'
      ? nameOf(node.property)
      : undefined
    : nameOf(node.property);
