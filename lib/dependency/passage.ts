/**
 * The way of one call, or of one guard, past everything that may refuse it: the judging circuit, the
 * host's, the permit, the rate. What it was given it gives back, whichever step ends it.
 */
import type { Host } from '../balancing/host.js';
import { REFUSED, type Circuit } from '../circuit/circuit.js';
import { inStep } from '../core/in-turn.js';
import { circuitOpen, netlocFull, rateLimited } from './refusals.js';
import type { Stages } from './stages.js';

/** The ticket of those that no circuit judges. */
export const NO_TICKET = 0;

export class Passage {
  host: Host;
  /** Of the dependency's circuit, and of the host's. */
  ticket = NO_TICKET;
  hostTicket = NO_TICKET;

  constructor(
    readonly stages: Stages,
    readonly pinned: Host | undefined,
    private readonly attemptTimeoutMs: number,
  ) {
    this.host = stages.fleet.nameless;
  }

  /** The circuit that decides: a pinned peer's own, else the dependency's. */
  get judge(): Circuit | undefined {
    const { pinned, stages } = this;
    return pinned?.isPinned
      ? pinned.circuit
      : (pinned?.circuit ?? stages.circuit);
  }

  /** Admitted as a probe of the dependency, or of its host. */
  get isProbe(): boolean {
    return (
      this.stages.circuit?.isLease(this.ticket) === true ||
      this.host.circuit?.isLease(this.hostTicket) === true
    );
  }

  get isProbeOfDependency(): boolean {
    return this.stages.circuit?.isLease(this.ticket) === true;
  }

  /** Asks the judging circuit; the error to refuse with, or undefined. */
  admit(nowMs: number): Error | undefined {
    const { stages, pinned } = this;
    if (pinned !== undefined)
      return inStep(() => this.admitPinned(pinned, nowMs));
    const { circuit } = stages;
    this.hostTicket = NO_TICKET;
    this.ticket =
      circuit === undefined ? NO_TICKET : this.ticketOf(circuit, nowMs);
    if (this.ticket !== REFUSED) return undefined;
    this.ticket = NO_TICKET;
    return circuitOpen(stages, undefined, nowMs);
  }

  /** A pinned call is judged by its peer's own circuit; the dependency's modes hold for it too. */
  private admitPinned(pinned: Host, nowMs: number): Error | undefined {
    const above = this.stages.circuit;
    const { judge } = this;
    if (!pinned.isPinned) this.stages.hosts.notice(nowMs);
    const isBlocked = above?.mode === 'forced-open';
    const ticket = isBlocked
      ? REFUSED
      : judge === undefined
        ? NO_TICKET
        : this.ticketOf(judge, nowMs);
    this.ticket = NO_TICKET;
    this.hostTicket = NO_TICKET;
    if (ticket === REFUSED) return circuitOpen(this.stages, pinned, nowMs);
    this.host = pinned;
    if (pinned.circuit === undefined) {
      this.ticket = ticket;
    } else {
      // Of pinned calls only those to a listed host count in the dependency's sum.
      this.hostTicket = ticket;
      if (!pinned.isPinned) this.ticket = above?.closedTicket ?? NO_TICKET;
    }
    return undefined;
  }

  /** A closed circuit lends nothing, so the length of a lease is worked out for others only. */
  private ticketOf(circuit: Circuit, nowMs: number): number {
    if (circuit.isClosed) return circuit.admit(nowMs, 0);
    // Who hears that it is half-open does not take the probe of the call that found it.
    return inStep(() =>
      circuit.isDrawn(nowMs) ? circuit.admit(nowMs, this.leaseMs) : REFUSED,
    );
  }

  /** Asks the circuit of a chosen host. */
  admitTo(host: Host, nowMs: number): Error | undefined {
    this.host = host;
    const { circuit } = host;
    if (circuit === undefined) return undefined;
    // A ramp's chance was drawn when it was picked.
    const ticket = circuit.isClosed
      ? circuit.admit(nowMs, 0)
      : inStep(() => circuit.admit(nowMs, this.leaseMs));
    if (ticket === REFUSED) {
      this.release();
      return circuitOpen(this.stages, host, nowMs);
    }
    this.hostTicket = ticket;
    return undefined;
  }

  /** Takes the host's permit; false = wait in its queue. A probe never waits. */
  takePermit(mayWait: boolean): boolean | Error {
    const { permits } = this.host;
    if (permits.tryAcquire()) return true;
    if (mayWait && permits.hasQueueRoom && !this.isProbe) return false;
    this.release();
    return netlocFull(this.stages, this.host);
  }

  /** Takes a token of the rate; gives everything back where there is none. */
  takeToken(nowMs: number): Error | undefined {
    const { rate } = this.stages;
    if (rate === undefined || rate.tryTake(nowMs)) return undefined;
    this.release();
    this.host.permits.release();
    return rateLimited(this.stages, rate, nowMs);
  }

  /** After a wait in the queue: whether what admitted it still would, with tickets of now. */
  refresh(): boolean {
    const { host, pinned, judge } = this;
    if (this.stages.circuit?.mode === 'forced-open') return false;
    if (
      judge !== undefined &&
      (!judge.isClosed || judge.mode === 'forced-open')
    )
      return false;
    if (pinned === undefined && !host.isInService) return false;
    if (!host.isPinned)
      this.ticket = this.stages.circuit?.closedTicket ?? NO_TICKET;
    this.hostTicket = host.circuit?.closedTicket ?? NO_TICKET;
    return true;
  }

  /** The work starts now: a lease counts from here. */
  renewLeases(nowMs: number): void {
    const above = this.stages.circuit;
    const own = this.host.circuit;
    if (above?.isClosed === false)
      above.renewLease(this.ticket, nowMs + this.leaseMs);
    if (own?.isClosed === false)
      own.renewLease(this.hostTicket, nowMs + this.leaseMs);
  }

  /** Gives the tickets back without a verdict. */
  release(): void {
    release(this.stages, this);
  }

  private get leaseMs(): number {
    const { attemptTimeoutMs } = this;
    return Math.max(
      this.stages.settings.circuit?.leaseMs ?? 0,
      attemptTimeoutMs === Infinity ? 0 : attemptTimeoutMs + 1_000,
    );
  }
}

/** Gives tickets back without a verdict. */
export function release(
  stages: Stages,
  tickets: Pick<Passage, 'host' | 'ticket' | 'hostTicket'>,
): void {
  const { host, ticket, hostTicket } = tickets;
  const nowMs = stages.clock.nowMs();
  inStep(() => {
    stages.circuit?.release(ticket, nowMs);
    if (host.circuit !== undefined)
      stages.hosts.release(host, hostTicket, nowMs);
  });
}
