/**
 * The command line of `dace-simulate`.
 */
import { parseArgs } from 'node:util';
import { CommandError, EXIT } from './command-error.js';
import { didYouMean } from './did-you-mean.js';

export interface Arguments {
  readonly scenario: string;
  readonly compare?: string;
  readonly out?: string;
  readonly json?: string;
  readonly seed?: number;
}

export type Request =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'simulate'; readonly args: Arguments };

const FLAGS = {
  compare: { type: 'string' },
  out: { type: 'string', short: 'o' },
  json: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const LARGEST_SEED = 4_294_967_295;

export const helpText = (shipped: readonly string[]): string =>
  `Shows what a set of options does in an outage, before there is one.

Usage: dace-simulate <scenario> [--compare <other>] [options]

  <scenario>           a file (.ts, .mts, .cts, .js, .mjs, .cjs, .json) or one of
                       ${shipped.join(', ')}
  --compare <other>    a second scenario, or a file with only what differs, such as
                       { "options": { "retry": false } }
  -o, --out <file>     the page to write (default: <scenario>.simulation.html)
  --json <file>        the figures as well, as JSON
  --seed <n>           another day with the same weather, 0 to ${LARGEST_SEED}
  -h, --help           this text
  -v, --version        the version

Exit codes: 0 written, 1 the scenario or the output is at fault, 2 the command line is.
`;

/** Errors: CommandError that names what is wrong with the command line. */
export function parseCommandLine(argv: readonly string[]): Request {
  const { values, positionals } = read(argv);
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  const [scenario, ...more] = positionals;
  if (scenario === undefined || scenario === '')
    throw misuse('Which scenario? Give a file or the name of a shipped one.');
  if (more.length > 0)
    throw misuse(
      `One scenario at a time, but also got "${more[0]}". To see two beside each other: --compare ${more[0]}.`,
    );
  const { compare, out, json } = values;
  return {
    kind: 'simulate',
    args: {
      scenario,
      ...(compare !== undefined && { compare }),
      ...(out !== undefined && { out }),
      ...(json !== undefined && { json }),
      ...(values.seed !== undefined && { seed: seedOf(values.seed) }),
    },
  };
}

/** Misuse is told here, as `parseArgs` knows no names but its own. */
function read(argv: readonly string[]) {
  const { tokens, values, positionals } = parseArgs({
    args: [...argv],
    options: FLAGS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (!Object.hasOwn(FLAGS, name)) {
      const meant = didYouMean(name, Object.keys(FLAGS));
      throw misuse(
        `Unknown flag ${rawName}.${meant.replace('"', '"--')} See dace-simulate --help.`,
      );
    }
    if (seen.has(name)) throw misuse(`--${name} is given twice.`);
    seen.add(name);
    checkValue(name as keyof typeof FLAGS, value);
  }
  return { values: values as Values, positionals };
}

interface Values {
  readonly compare?: string;
  readonly out?: string;
  readonly json?: string;
  readonly seed?: string;
  readonly help?: boolean;
  readonly version?: boolean;
}

function checkValue(name: keyof typeof FLAGS, value: string | undefined): void {
  const isText = FLAGS[name].type === 'string';
  if (!isText && value !== undefined)
    throw misuse(`--${name} takes no value, but got "${value}".`);
  const isMissing = value === undefined || value === '';
  // `--out --json x` is a forgotten value, not a file called --json.
  if (isText && (isMissing || value.startsWith('--')))
    throw misuse(`--${name} needs a value.`);
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > LARGEST_SEED)
    throw misuse(
      `--seed is "${text}": expected a whole number from 0 to ${LARGEST_SEED}.`,
    );
  return seed;
}

const misuse = (message: string): CommandError =>
  new CommandError(message, EXIT.misused);
