import type { AttemptScope } from '../../lib/http/attempt-scope.js';
import { HttpTransport } from '../../lib/http/transport.js';
import type { HttpSettings } from '../../lib/http/http-options.js';

/** An attempt held in the test's hand: it ends when told to, and remembers what was noted. */
export class FakeScope implements AttemptScope {
  readonly dependencyId = 'payments';
  readonly protocol: 'http' | 'https';
  readonly netloc: string | undefined;
  endedBy: unknown = undefined;
  leftMs = Infinity;
  readonly sent: boolean[] = [];
  held = 0;
  readonly abandon: (() => void)[] = [];
  private readonly hooks = new Set<(reason: unknown) => void>();

  constructor(readonly baseUrl?: string) {
    const url = baseUrl === undefined ? undefined : new URL(baseUrl);
    this.protocol = url?.protocol === 'https:' ? 'https' : 'http';
    this.netloc = url?.host;
  }

  get listeners(): number {
    return this.hooks.size;
  }

  onEnd(hook: (reason: unknown) => void): () => void {
    const entry = (reason: unknown) => hook(reason);
    this.hooks.add(entry);
    return () => this.hooks.delete(entry);
  }

  end(reason: unknown): void {
    this.endedBy = reason;
    for (const hook of [...this.hooks]) hook(reason);
    this.hooks.clear();
  }

  noteSent(isSafe: boolean): void {
    this.sent.push(isSafe);
  }

  holdPermit(abort: () => void, _progress: () => number): () => void {
    this.held += 1;
    this.abandon.push(abort);
    let isBack = false;
    return () => {
      if (!isBack) this.held -= 1;
      isBack = true;
    };
  }
}

/** A timer that rings when the test says so. */
export class FakeTimers {
  readonly pending: { ms: number; fn: () => void }[] = [];

  readonly start = (ms: number, fn: () => void): (() => void) => {
    const timer = { ms, fn };
    this.pending.push(timer);
    return () => {
      const index = this.pending.indexOf(timer);
      if (index >= 0) this.pending.splice(index, 1);
    };
  };

  ring(): void {
    for (const { fn } of this.pending.splice(0)) fn();
  }
}

export const httpSettings = (
  changes: Partial<HttpSettings> = {},
): HttpSettings => ({
  poolSize: 10,
  connectTimeoutMs: 1_000,
  proxy: false,
  secretHeaders: [],
  allowOtherHosts: false,
  ...changes,
});

/** A transport for `hosts` whose timers are the test's. */
export function transportFor(
  hosts: readonly string[],
  changes: Partial<HttpSettings> = {},
  timers = new FakeTimers(),
): HttpTransport {
  return new HttpTransport(
    'payments',
    {
      http: httpSettings(changes),
      hosts: hosts.map((baseUrl) => ({ baseUrl })),
    },
    { startTimer: timers.start, nowMs: () => 0 },
  );
}
