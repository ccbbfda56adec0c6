/**
 * What went wrong before there was anything to draw, in a sentence that names the cure.
 */
export type ExitCode = 0 | 1 | 2;

/** Everything is well; it did not work; it was asked for in the wrong way. */
export const EXIT = { fine: 0, failed: 1, misused: 2 } as const;

export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failed,
  ) {
    super(message);
  }
}

/** What was thrown, in one sentence. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
