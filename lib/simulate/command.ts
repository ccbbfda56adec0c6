/**
 * `dace-simulate`: from the command line to the files.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDaceError } from '../core/errors.js';
import { scenarios } from '../simulation/scenarios.js';
import { simulate } from '../simulation/simulate.js';
import { helpText, parseCommandLine, type Arguments } from './arguments.js';
import {
  CommandError,
  EXIT,
  messageOf,
  type ExitCode,
} from './command-error.js';
import { checkedTarget, writeAll } from './output.js';
import { reportPage } from './page.js';
import { printedSummary } from './printed-summary.js';
import type { Run } from './run.js';
import { load, type Loaded } from './scenario-file.js';
import { comparedWith, settingOf, type Setting } from './settings.js';
import { summaryOf } from './summary.js';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

/** Does what the command line says; the answer is the exit code. */
export async function runCommand(
  argv: readonly string[],
  { out, error }: Terminal,
): Promise<ExitCode> {
  try {
    const request = parseCommandLine(argv);
    if (request.kind === 'help') out(helpText(Object.keys(scenarios)));
    else if (request.kind === 'version') out(`${version()}\n`);
    else await report(request.args, out);
    return EXIT.fine;
  } catch (thrown) {
    error(`dace-simulate: ${messageOf(thrown)}\n`);
    if (thrown instanceof CommandError) return thrown.exitCode;
    if (!isDaceError(thrown)) error(`${stackOf(thrown)}\n`);
    return EXIT.failed;
  }
}

async function report(args: Arguments, out: Terminal['out']): Promise<void> {
  const first = await load(args.scenario, scenarios);
  const second =
    args.compare === undefined
      ? undefined
      : await load(args.compare, scenarios);
  const target = checkedTarget(args.out ?? usualTarget(first, second));
  const json = args.json === undefined ? undefined : checkedTarget(args.json);
  if (target === json)
    throw new CommandError(
      `--out and --json are both ${target}.`,
      EXIT.misused,
    );
  const settings = [
    settingOf(first, args.seed),
    ...(second ? [comparedWith(first, second, args.seed)] : []),
  ];
  const runs: Run[] = [];
  for (const setting of settings) runs.push(await runOf(setting));
  const files = new Map([[target, reportPage(runs, version())]]);
  if (json !== undefined) files.set(json, jsonOf(runs));
  writeAll(files);
  const written = [...files.keys()].map((path) => `Written: ${path}\n`);
  out(`${printedSummary(runs)}\n\n${written.join('')}`);
}

async function runOf(setting: Setting): Promise<Run> {
  try {
    const simulation = await simulate(setting.scenario);
    return { setting, simulation, summary: summaryOf(simulation) };
  } catch (error) {
    if (!isDaceError(error)) throw error;
    throw new CommandError(`${setting.label}: ${error.message}`);
  }
}

function usualTarget(first: Loaded, second?: Loaded): string {
  const names = [first, second].flatMap((one) => (one ? [one.name] : []));
  return `${names.join('-vs-')}.simulation.html`;
}

function jsonOf(runs: readonly Run[]): string {
  const [first, second] = runs.map(({ simulation }) => simulation);
  return `${JSON.stringify(second ? { first, second } : first, null, 1)}\n`;
}

function version(): string {
  const manifest = readFileSync(join(__dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

const stackOf = (thrown: unknown): string =>
  (thrown instanceof Error && thrown.stack) || '';
