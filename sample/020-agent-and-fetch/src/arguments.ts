/** What may stand behind `npm run sample:020 --`. */
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run sample:020

  --help  this text

Takes about two seconds. Exit code 0, or 1 if something that must happen did not.`;

/** `'play'`, `'help'`, or a sentence that says what is wrong with the arguments. */
export function readArguments(words: readonly string[]): string {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: { help: { type: 'boolean', short: 'h' } },
    });
    return values.help ? 'help' : 'play';
  } catch (error) {
    return (error as Error).message;
  }
}
