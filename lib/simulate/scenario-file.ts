/**
 * Where scenarios come from: those that are shipped, JSON, and modules in JavaScript or TypeScript.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { types } from 'node:util';
import type { ParseError } from 'jsonc-parser';
import type { Scenario } from '../simulation/contract.js';
import { CommandError, messageOf } from './command-error.js';
import { didYouMean } from './did-you-mean.js';

/** Something that may be a scenario, and what to call it. */
export interface Loaded {
  readonly name: string;
  readonly value: unknown;
}

const MODULES = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * What `reference` leads to: a file, else a shipped scenario.
 *
 * Errors: CommandError, which says what was looked for and what is wrong in it, with the place.
 */
export async function load(
  reference: string,
  shipped: Readonly<Record<string, Scenario>>,
): Promise<Loaded> {
  const path = resolve(reference);
  const extension = extname(path).toLowerCase();
  const isPath = extension !== '' || /[\\/]/.test(reference);
  const known = Object.keys(shipped);
  const name = known.find((own) => folded(own) === folded(reference));
  if (!isPath && name !== undefined && !isFile(path))
    return { name, value: shipped[name] };
  if (!isPath && !isFile(path))
    throw new CommandError(
      `No file and no shipped scenario "${reference}".${didYouMean(reference, known)} Shipped are ${known.join(', ')}.`,
    );
  if (!isFile(path)) throw new CommandError(`There is no file ${path}.`);
  const stem = basename(path, extname(path));
  if (extension === '.json') return { name: stem, value: fromJson(path) };
  if (MODULES.includes(extension))
    return { name: stem, value: await fromModule(path) };
  throw new CommandError(
    `${path} is no scenario: expected ${MODULES.join(', ')} or .json.`,
  );
}

/** `brown-out`, `brownout` and `brownOut` are one name. */
const folded = (name: string): string =>
  name.toLowerCase().replace(/[\s_-]/g, '');

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function fromJson(path: string): unknown {
  const text = readable(path).replace(/^\uFEFF/, '');
  // Loaded only here: no run of a module or of a shipped scenario needs it.
  const { parse, printParseErrorCode } =
    require('jsonc-parser') as typeof import('jsonc-parser');
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined) return value;
  const { line, column } = placeOf(text, first.offset);
  const words = printParseErrorCode(first.error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  throw new CommandError(
    `${path}:${line}:${column} is no JSON: ${words}.\n\n${excerpt(text, line, column)}`,
  );
}

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`Cannot read ${path}: ${messageOf(error)}`);
  }
}

function placeOf(text: string, offset: number) {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}

function excerpt(text: string, line: number, column: number): string {
  const shown = text.split('\n')[line - 1]!.replace(/\r$/, '');
  return `  ${shown}\n  ${' '.repeat(column - 1)}^`;
}

async function fromModule(path: string): Promise<unknown> {
  let loaded: unknown;
  try {
    // Loaded only here: it is a compiler.
    const { createJiti } = require('jiti') as typeof import('jiti');
    const jiti = createJiti(__filename, {
      fsCache: false,
      interopDefault: false,
      alias: ownEntries(),
    });
    loaded = await jiti.import(path);
  } catch (error) {
    throw new CommandError(`Cannot load ${path}: ${messageOf(error)}`);
  }
  const value = exported(loaded);
  if (value !== undefined) return value;
  throw new CommandError(
    `${path} exports no scenario: write export default { seconds: 60, … }.`,
  );
}

/** A CommonJS module may be a default within a module, and hold its own default in turn. */
function exported(loaded: unknown): unknown {
  if (!isModule(loaded)) return loaded;
  const { default: main, scenario } = loaded;
  return exported(main ?? scenario);
}

const isModule = (value: unknown): value is Record<string, unknown> =>
  types.isModuleNamespaceObject(value) ||
  (typeof value === 'object' && value !== null && '__esModule' in value);

/** A scenario's imports of this package mean this copy, wherever the command was installed. */
function ownEntries(): Record<string, string> {
  const lib = join(__dirname, '..');
  return {
    'nestjs-dace/core': join(lib, 'core'),
    'nestjs-dace/testing': join(lib, 'testing', 'index'),
  };
}
