import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Requests per second to each of the app's own routes. */
const RATES: Readonly<Record<string, number>> = {
  '/catalog': 10,
  '/balance/alice': 10,
  '/report': 3,
  '/report/strict': 3,
};

/** Clients of the app, and what they got. */
@Injectable()
export class Traffic implements OnModuleDestroy {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Set<Promise<void>>();
  /** Route → status → how often. */
  readonly answers = new Map<string, Map<string, number>>();

  start(url: string): void {
    for (const [path, rate] of Object.entries(RATES)) {
      this.answers.set(path, new Map());
      const ask = (): void => {
        const running = this.ask(url, path);
        this.running.add(running);
        void running.finally(() => this.running.delete(running));
      };
      this.timers.push(setInterval(ask, 1_000 / rate));
    }
  }

  /** Asks no more and waits for the answers to come. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.running);
  }

  onModuleDestroy(): Promise<void> {
    return this.stop();
  }

  private async ask(url: string, path: string): Promise<void> {
    const status = await fetch(url + path).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      () => 'no answer',
    );
    const counts = this.answers.get(path)!;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
}
