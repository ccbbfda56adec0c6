/** What may stand behind `npm run sample:010 --`. */
import { parseArgs } from 'node:util';

export interface Arguments {
  readonly seconds: number;
}

export const USAGE = `Usage: npm run sample:010 -- [--seconds N]

  --seconds N  how long the script takes, 4 to 60 (default 8)
  --help       this text

Exit code 0, or 1 if something that must happen did not.`;

/** The arguments, `'help'`, or a sentence that says what is wrong with them. */
export function readArguments(words: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        seconds: { type: 'string', default: '8' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return 'help';
    const seconds = /^\d+$/.test(values.seconds) ? Number(values.seconds) : NaN;
    if (seconds >= 4 && seconds <= 60) return { seconds };
    return `--seconds is "${values.seconds}": expected a whole number from 4 to 60`;
  } catch (error) {
    return (error as Error).message;
  }
}
