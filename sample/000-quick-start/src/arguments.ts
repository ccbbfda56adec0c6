/** What may stand behind `npm start --`. */
import { parseArgs } from 'node:util';

export interface Arguments {
  readonly port: number;
  /** Play the scenario for that long and end; absent = run until Ctrl-C. */
  readonly seconds?: number;
}

export const USAGE = `Usage: npm start -- [--port N] [--seconds N]

  --port N     where the app listens, 0 to 65535 (default 3000; another one if it is taken)
  --seconds N  play a scenario of 5 to 3600 seconds, print a summary and end:
               exit code 0, or 1 if something that must happen did not
  --help       this text`;

/** The arguments, `'help'`, or a sentence that says what is wrong with them. */
export function readArguments(words: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        port: { type: 'string', default: '3000' },
        seconds: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return 'help';
    const port = wholeNumber('--port', values.port, 0, 65_535);
    if (values.seconds === undefined) return { port };
    return {
      port,
      seconds: wholeNumber('--seconds', values.seconds, 5, 3_600),
    };
  } catch (error) {
    return (error as Error).message;
  }
}

function wholeNumber(
  name: string,
  text: string,
  least: number,
  most: number,
): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(
    `${name} is "${text}": expected a whole number from ${least} to ${most}`,
  );
}
