/**
 * What `--seconds` plays: a catalog host dies and comes back, then payments has an outage. Each
 * moment is a share of the whole, so that five seconds show the same as sixty.
 */
import { Injectable } from '@nestjs/common';
import { DaceRegistry, type Totals } from 'nestjs-dace';
import { setTimeout as sleep } from 'node:timers/promises';
import { checks, type Evidence } from './checks.js';
import { askHealth } from './health.js';
import { Observations } from './observations.js';
import { Screen } from './screen.js';
import { summary } from './summary.js';
import { Traffic } from './traffic.js';
import { Upstreams } from './upstreams.js';

const KILL_AT = 0.15;
const REVIVE_AT = 0.4;
const OUTAGE_AT = 0.45;
const OUTAGE_LASTS = 0.2;

@Injectable()
export class Scenario {
  constructor(
    private readonly registry: DaceRegistry,
    private readonly observations: Observations,
    private readonly traffic: Traffic,
    private readonly upstreams: Upstreams,
    private readonly screen: Screen,
  ) {}

  /** Plays it, prints the summary; whether all that must happen did. */
  async play(url: string, seconds: number): Promise<boolean> {
    const lengthMs = seconds * 1_000;
    const startedMs = performance.now();
    const until = (share: number): Promise<void> =>
      sleep(Math.max(0, startedMs + share * lengthMs - performance.now()));

    await until(KILL_AT);
    const before = await askHealth(url);
    const beforeKill = this.catalogTotals;
    this.tell(`catalog host ${await this.upstreams.kill()} is killed`);

    await until(REVIVE_AT);
    const whileDead = difference(this.catalogTotals, beforeKill);
    await this.upstreams.revive();
    this.tell('the catalog host is revived');

    await until(OUTAGE_AT);
    const during = this.onceOpen('payments').then(() => askHealth(url));
    this.upstreams.failPayments(OUTAGE_LASTS * lengthMs);
    this.tell(`payments has an outage of ${OUTAGE_LASTS * seconds} s`);

    await until(OUTAGE_AT + OUTAGE_LASTS);
    this.tell('the outage of payments is over');

    await until(1);
    await this.traffic.stop();
    const health = {
      before,
      // It may never have opened: then there is nothing to wait for.
      during: await Promise.race([during, Promise.resolve(undefined)]),
      after: await askHealth(url),
    };
    const evidence: Evidence = {
      snapshots: this.registry.snapshot(),
      observations: this.observations,
      whileDead,
      health,
    };
    const found = checks(evidence);
    this.screen.settle();
    this.screen.print(summary(evidence, this.traffic.answers, found));
    return found.every(({ isMet }) => isMet);
  }

  private get catalogTotals(): Totals {
    return this.registry.get('catalog').snapshot().totals;
  }

  private tell(what: string): void {
    this.screen.print(`> ${what}`);
  }

  /** Resolves when the circuit of `id` opens; events tell it the moment it does. */
  private onceOpen(id: string): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.registry.get(id).on(({ type, netloc }) => {
        if (type !== 'circuit.opened' || netloc !== undefined) return;
        stop();
        resolve();
      });
    });
  }
}

function difference(later: Totals, earlier: Totals) {
  return {
    succeeded: later.succeeded - earlier.succeeded,
    failed: later.failed - earlier.failed,
    refused: later.refused - earlier.refused,
  };
}
