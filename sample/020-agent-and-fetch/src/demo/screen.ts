import type { LoggerService } from '@nestjs/common';

/** The terminal, a line after the other; also the app's logger. */
export class Screen implements LoggerService {
  private readonly startedMs = performance.now();

  constructor(private readonly out: NodeJS.WriteStream) {}

  /** A line with the time at which it was written. */
  tell(text: string): void {
    const seconds = (performance.now() - this.startedMs) / 1_000;
    this.print(`${seconds.toFixed(1).padStart(5)} s  ${text}`);
  }

  print(text: string): void {
    this.out.write(`${text}\n`);
  }

  /** Nest tells much at the start; of that only what the dependency says. */
  log(message: unknown, context = ''): void {
    if (context.startsWith('Dace:')) this.tell(`    ${String(message)}`);
  }

  warn(message: unknown, context = ''): void {
    this.log(message, context);
  }

  /** Errors of single calls are part of the script, which tells them itself. */
  error(): void {}
}
