import { Injectable } from '@nestjs/common';
import { isDaceError } from 'nestjs-dace';
import { lastValueFrom } from 'rxjs';
import type { Reservation } from '../inventory-client.js';
import { ReservationsService } from '../reservations.service.js';
import { StocksService } from '../stocks.service.js';

export type Phase = 'alive' | 'dead' | 'back';
export type Question = 'stock' | 'reserve';
export type Outcome = 'answered' | 'fallback' | 'refused' | 'failed';

/** One question and what came of it. */
export interface Experience {
  readonly phase: Phase;
  readonly question: Question;
  readonly outcome: Outcome;
  readonly tookMs: number;
  /** When it was asked. */
  readonly atMs: number;
}

const EVERY_MS = 25;

/** Clients of the shop: each asks for the stock and reserves a piece. */
@Injectable()
export class Shoppers {
  phase: Phase = 'alive';
  readonly experiences: Experience[] = [];
  /** The processes that have confirmed reservations, each as often as it has. */
  readonly confirmed = new Map<number, number>();
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stocks: StocksService,
    private readonly reservations: ReservationsService,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.track(this.askForStock());
      this.track(this.reserve());
    }, EVERY_MS);
  }

  /** Asks no more and waits for the answers to come. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.running);
  }

  private async askForStock(): Promise<void> {
    const note = this.begin('stock');
    try {
      const { left } = await lastValueFrom(this.stocks.of('apple'));
      note(left === null ? 'fallback' : 'answered');
    } catch {
      note('failed');
    }
  }

  private async reserve(): Promise<void> {
    const note = this.begin('reserve');
    try {
      const made: Reservation = await lastValueFrom(
        this.reservations.make('apple'),
      );
      const { heldBy } = made;
      this.confirmed.set(heldBy, (this.confirmed.get(heldBy) ?? 0) + 1);
      note('answered');
    } catch (error) {
      note(isDaceError(error, 'DACE_CIRCUIT_OPEN') ? 'refused' : 'failed');
    }
  }

  private begin(question: Question): (outcome: Outcome) => void {
    const { phase } = this;
    const atMs = performance.now();
    return (outcome) => {
      const tookMs = performance.now() - atMs;
      this.experiences.push({ phase, question, outcome, tookMs, atMs });
    };
  }

  private track(running: Promise<void>): void {
    this.running.add(running);
    void running.finally(() => this.running.delete(running));
  }
}
