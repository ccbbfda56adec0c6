/**
 * One host of the simulated dependency: it serves requests, has them wait, or leaves them hanging.
 */
import type { AxiosResponse } from 'axios';
import type { Clock } from '../core/clock.js';
import type { AttemptScope } from '../http/attempt-scope.js';
import { SimulatedAnswers } from './answers.js';
import { Behaviour } from './behaviour.js';
import type { Chance } from './chance.js';
import type { HostProfile } from './contract.js';

/** How long it takes to hear that nobody listens. */
const REFUSED_IN_MS = 1;

/** An attempt, as far as a host is concerned. */
export interface Asking extends AttemptScope {
  /** From 1. */
  readonly attempt: number;
}

interface Request {
  readonly asking: Asking;
  readonly operation: number;
  readonly resolve: (response: AxiosResponse) => void;
  readonly reject: (error: Error) => void;
  state: 'waiting' | 'hanging' | 'served' | 'over';
  /** Takes back what is to be heard when the attempt is cut. */
  forget: () => void;
}

export class SimulatedHost {
  /** Attempts whose caller still waits. */
  inFlight = 0;
  private serving = 0;
  private readonly queue = new Set<Request>();
  private readonly behaviour: Behaviour;
  private readonly answers: SimulatedAnswers;

  constructor(
    private readonly clock: Clock,
    profile: HostProfile,
    chance: Chance,
    netloc: string,
    baseUrl: string,
  ) {
    this.behaviour = new Behaviour(profile, chance);
    this.answers = new SimulatedAnswers(netloc, baseUrl);
  }

  /** Requests beyond its capacity. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Whether it is what this host answers a request that it can serve. */
  isAnswer(value: unknown): boolean {
    return value === this.answers.success;
  }

  /** One GET. */
  ask(asking: Asking, operation: number): Promise<AxiosResponse> {
    this.inFlight += 1;
    return new Promise((resolve, reject) => {
      const request: Request = {
        asking,
        operation,
        resolve,
        reject,
        state: 'served',
        forget: noop,
      };
      request.forget = asking.onEnd(() => this.cut(request));
      const nowMs = this.clock.nowMs();
      if (this.behaviour.isRefusing(nowMs))
        this.later(REFUSED_IN_MS, () =>
          this.fail(request, this.answers.refusal()),
        );
      else this.arrive(request, nowMs);
    });
  }

  private arrive(request: Request, nowMs: number): void {
    request.asking.noteSent(true);
    request.state = 'waiting';
    this.queue.add(request);
    this.serveWaiting(nowMs);
  }

  private serveWaiting(nowMs: number): void {
    if (this.queue.size === 0) return;
    const capacity = this.behaviour.capacity(nowMs);
    for (const request of this.queue) {
      if (this.serving >= capacity) return;
      this.queue.delete(request);
      this.serve(request, nowMs);
    }
  }

  private serve(request: Request, nowMs: number): void {
    const { operation, asking } = request;
    const fate = this.behaviour.fate(nowMs, operation, asking.attempt);
    const { status } = fate;
    this.serving += 1;
    request.state = fate.isHanging ? 'hanging' : 'served';
    if (fate.isHanging) return;
    this.later(fate.latencyMs, () => {
      if (status === undefined) this.answer(request);
      else this.failWith(request, status);
      this.serving -= 1;
      this.serveWaiting(this.clock.nowMs());
    });
  }

  private answer(request: Request): void {
    if (this.end(request)) request.resolve(this.answers.success);
  }

  private failWith(request: Request, status: number): void {
    if (request.state === 'over') return;
    const retryAfterS = this.behaviour.retryAfterS(this.clock.nowMs());
    this.fail(request, this.answers.statusError(status, retryAfterS));
  }

  private fail(request: Request, error: Error): void {
    if (this.end(request)) request.reject(error);
  }

  /** Its caller has gone. */
  private cut(request: Request): void {
    const { state } = request;
    if (!this.end(request)) return;
    request.reject(this.answers.cancelled());
    if (state === 'waiting') this.queue.delete(request);
    if (state !== 'hanging') return;
    this.serving -= 1;
    this.serveWaiting(this.clock.nowMs());
  }

  /** Whether somebody was still waiting for it. */
  private end(request: Request): boolean {
    if (request.state === 'over') return false;
    request.state = 'over';
    this.inFlight -= 1;
    request.forget();
    return true;
  }

  private later(ms: number, fn: () => void): void {
    this.clock.alarm(fn).set(this.clock.nowMs() + ms);
  }
}

function noop(): void {}
