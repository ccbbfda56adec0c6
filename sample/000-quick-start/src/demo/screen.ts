import type { LoggerService } from '@nestjs/common';

const OF_ONE_REQUEST = new Set(['ExceptionsHandler', 'DaceExceptionFilter']);

/**
 * The terminal: lines that stay, and below them, on a terminal, a few that are rewritten. It is
 * also the app's logger, so that a log line never tears the live ones.
 */
export class Screen implements LoggerService {
  private live: readonly string[] = [];

  constructor(private readonly out: NodeJS.WriteStream) {}

  /** A line that stays. */
  print(text: string): void {
    const { live } = this;
    this.rewrite([]);
    this.out.write(`${text}\n`);
    this.rewrite(live);
  }

  /** The lines that change; where nothing can be rewritten, one more line. */
  show(lines: readonly string[]): void {
    if (this.out.isTTY) this.rewrite(lines);
    else this.print(lines.join(' | ').replaceAll(/ +/g, ' '));
  }

  /** What is shown stays. */
  settle(): void {
    this.live = [];
  }

  /** Nest tells much at the start; of that only what the dependencies say. */
  log(message: unknown, context = ''): void {
    if (context.startsWith('Dace:')) this.tell(' ', context, message);
  }

  warn(message: unknown, context = ''): void {
    this.tell('!', context, message);
  }

  /** Single requests show in the counts, and their clients are told. */
  error(message: unknown, _stack?: string, context = ''): void {
    if (!OF_ONE_REQUEST.has(context)) this.tell('!', context, message);
  }

  private tell(...parts: readonly unknown[]): void {
    this.print(parts.map(String).join('  '));
  }

  private rewrite(lines: readonly string[]): void {
    if (this.live.length > 0)
      this.out.write(`\u001B[${this.live.length}A\u001B[0J`);
    this.live = lines;
    // A line that wraps would be two to go up.
    const width = (this.out.columns || 80) - 1;
    for (const line of lines) this.out.write(`${line.slice(0, width)}\n`);
  }
}
