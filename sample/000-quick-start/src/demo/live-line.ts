import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DaceRegistry, type DependencySnapshot } from 'nestjs-dace';
import { Observations } from './observations.js';
import { Screen } from './screen.js';

/** Once a second: how each dependency is. */
@Injectable()
export class LiveLine implements OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: DaceRegistry,
    private readonly observations: Observations,
    private readonly screen: Screen,
  ) {}

  start(): void {
    const startedMs = performance.now();
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      const seconds = Math.round((nowMs - startedMs) / 1_000);
      const lines = this.registry
        .snapshot()
        .map((each) => this.describe(each, nowMs));
      this.screen.show([`${seconds} s`, ...lines]);
    }, 1_000);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.screen.settle();
  }

  private describe(snapshot: DependencySnapshot, nowMs: number): string {
    const { id, state, totals, hosts } = snapshot;
    const p95Ms = this.observations.of(id).p95Ms(nowMs);
    const inService = hosts.filter((host) => host.inService).length;
    const count = (value: number): string => String(value).padStart(5);
    return [
      id.padEnd(8),
      state.padEnd(9),
      `${count(totals.succeeded)} ok`,
      `${count(totals.refused)} refused`,
      `p95 ${p95Ms === undefined ? '    -' : count(Math.round(p95Ms))} ms`,
      `hosts ${inService} in ${hosts.length - inService} out`,
    ].join('  ');
  }
}
