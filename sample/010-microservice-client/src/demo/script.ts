/**
 * What is played: the inventory lives, is killed, comes back. Each moment is a share of the whole,
 * so that four seconds show the same as sixty.
 */
import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { InjectDependency, type Dependency } from 'nestjs-dace';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { INVENTORY_CLIENT } from '../inventory-client.js';
import { checks, type Evidence } from './checks.js';
import type { InventoryProcess } from './inventory-process.js';
import type { Screen } from './screen.js';
import { Shoppers, type Phase } from './shoppers.js';
import { summary } from './summary.js';

const KILL_AT = 0.2;
const REVIVE_AT = 0.55;
/** How long after its return all must be as it was, and how long that is watched. */
const RECOVERY_MS = 1_000;
const WATCH_MS = 500;

interface Stage {
  readonly inventory: InventoryProcess;
  readonly screen: Screen;
  readonly lengthMs: number;
}

@Injectable()
export class Script {
  constructor(
    @Inject(INVENTORY_CLIENT) private readonly client: ClientProxy,
    @InjectDependency('inventory') private readonly dependency: Dependency,
    private readonly shoppers: Shoppers,
  ) {}

  /** Plays it, prints the summary; whether all that must happen did. */
  async play({ inventory, screen, lengthMs }: Stage): Promise<boolean> {
    const startedMs = performance.now();
    const until = (share: number): Promise<void> =>
      sleep(Math.max(0, startedMs + share * lengthMs - performance.now()));
    const openings = this.countOpenings();
    const { shoppers } = this;

    screen.tell(`> the inventory lives: process ${inventory.pid}`);
    shoppers.start();
    await until(KILL_AT);
    this.tellPhase('alive', screen);
    const attemptsBefore = this.attempts;
    shoppers.phase = 'dead';
    await inventory.kill();
    screen.tell('> the inventory is killed');

    await until(REVIVE_AT);
    const attemptsWhileDead = this.attempts - attemptsBefore;
    this.tellPhase('dead', screen);
    await inventory.revive();
    shoppers.phase = 'back';
    const revivedMs = performance.now();
    screen.tell(`> the inventory is back: process ${inventory.pid}`);

    await sleep(RECOVERY_MS);
    const wellMs = performance.now();
    await sleep(WATCH_MS);
    await until(1);
    await shoppers.stop();
    this.tellPhase('back', screen);

    const evidence: Evidence = {
      experiences: shoppers.experiences,
      attemptsWhileDead,
      revivedMs,
      wellMs,
      ...openings(),
      state: this.dependency.snapshot().state,
      confirmed: shoppers.confirmed.get(inventory.pid ?? 0) ?? 0,
      held: await firstValueFrom(this.client.send<number>('audit', {})),
    };
    const found = checks(evidence);
    screen.print(summary(evidence, found));
    return found.every(({ isMet }) => isMet);
  }

  private get attempts(): number {
    return this.dependency.snapshot().totals.attempts;
  }

  private countOpenings(): () => { opened: number; closed: number } {
    let opened = 0;
    let closed = 0;
    const stop = this.dependency.on(({ type }) => {
      if (type === 'circuit.opened') opened += 1;
      if (type === 'circuit.closed') closed += 1;
    });
    return () => {
      stop();
      return { opened, closed };
    };
  }

  private tellPhase(phase: Phase, screen: Screen): void {
    const counts = new Map<string, number>();
    for (const one of this.shoppers.experiences) {
      if (one.phase !== phase) continue;
      const what = `${one.question} ${one.outcome}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const text = [...counts].map(([what, count]) => `${what} ${count}`);
    screen.tell(`  ${phase}: ${text.join(', ')}`);
  }
}
