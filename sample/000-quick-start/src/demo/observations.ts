import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DaceRegistry, isDaceError, type DaceEvent } from 'nestjs-dace';
import { percentile } from './percentile.js';

const SPAN_MS = 5_000;

/** What was seen of one dependency that its snapshot does not keep. */
export class Observed {
  opened = 0;
  closed = 0;
  hostsOut = 0;
  hostsBack = 0;
  timedOut = 0;
  private latencies: { readonly atMs: number; readonly ms: number }[] = [];

  see(event: DaceEvent, atMs: number): void {
    if (event.type === 'host.out') this.hostsOut += 1;
    if (event.type === 'host.back') this.hostsBack += 1;
    // A netloc means the circuit of one host.
    if (event.type === 'circuit.opened' && event.netloc === undefined)
      this.opened += 1;
    if (event.type === 'circuit.closed' && event.netloc === undefined)
      this.closed += 1;
    if (event.type === 'attempt.ended' && isDaceError(event.error))
      this.timedOut += event.error.code === 'DACE_TIMEOUT' ? 1 : 0;
    if (
      event.type === 'operation.succeeded' ||
      event.type === 'operation.failed'
    )
      this.latencies.push({ atMs, ms: event.durationMs ?? 0 });
  }

  /** How long an operation takes that is not refused, 95 of 100 of the last seconds. */
  p95Ms(nowMs: number): number | undefined {
    this.latencies = this.latencies.filter(
      ({ atMs }) => atMs >= nowMs - SPAN_MS,
    );
    return percentile(
      this.latencies.map(({ ms }) => ms),
      0.95,
    );
  }
}

/** Listens to every dependency of the app. */
@Injectable()
export class Observations implements OnModuleDestroy {
  private readonly byId: ReadonlyMap<string, Observed>;
  private readonly subscription: { unsubscribe(): void };

  constructor(registry: DaceRegistry) {
    this.byId = new Map(registry.ids().map((id) => [id, new Observed()]));
    this.subscription = registry.events$.subscribe((event) =>
      this.of(event.dependencyId).see(event, performance.now()),
    );
  }

  of(id: string): Observed {
    return this.byId.get(id)!;
  }

  onModuleDestroy(): void {
    this.subscription.unsubscribe();
  }
}
