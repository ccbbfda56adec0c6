/** A circuit led through a history, compared to nothing. */
import { Circuit, REFUSED } from '../../lib/circuit/circuit.js';
import type { Ending, Plan, Span, Step } from './circuit-history.js';
import { answerOf } from './circuit-pair.js';
import type { ModelCounts } from './model-rules.js';
import { seededRandom } from './chance.js';

export class CircuitLife {
  nowMs = 0;
  isRoom = true;
  readonly circuit: Circuit;
  private readonly running: number[] = [];
  private peers: ModelCounts | undefined;

  constructor(readonly plan: Plan) {
    const { rules, recovery, settings, leaseMs, seed } = plan;
    const { resetTimeoutMs, ...resetBackoff } = settings;
    this.circuit = new Circuit(
      {
        trip: rules.trip,
        recovery,
        resetTimeoutMs,
        resetBackoff,
        leaseMs,
        maxOutRatio: 0.5,
      },
      {
        mayOpen: () => this.isRoom,
        changed: () => {},
        ruleFailed: () => {},
        peers: () => this.peers,
      },
      seededRandom(seed),
    );
  }

  /** Whether it was let in. */
  ask(ending: Ending | 'never back' | 'given back'): boolean {
    const ticket = this.admit();
    if (ticket === REFUSED) return false;
    if (ending === 'given back') this.circuit.release(ticket, this.nowMs);
    else if (ending !== 'never back') this.end(ticket, ending);
    return true;
  }

  take(next: Step): void {
    const { circuit, nowMs } = this;
    switch (next.act) {
      case 'wait':
        this.nowMs += this.waitFor(next.span);
        return;
      case 'call':
        for (let each = 0; each < next.times; each++) this.ask(next.ending);
        return;
      case 'begin': {
        const ticket = this.admit();
        if (ticket !== REFUSED) this.running.push(ticket);
        return;
      }
      case 'borrow':
        if (circuit.closedTicket !== REFUSED)
          this.running.push(circuit.closedTicket);
        return;
      case 'end': {
        const ticket = this.takeOut(next.which);
        if (ticket !== undefined) this.end(ticket, next.ending);
        return;
      }
      case 'cancel': {
        const ticket = this.takeOut(next.which);
        if (ticket !== undefined) circuit.release(ticket, nowMs);
        return;
      }
      case 'renew': {
        const ticket = this.running[next.which];
        if (ticket !== undefined)
          circuit.renewLease(ticket, nowMs + this.plan.leaseMs);
        return;
      }
      case 'control':
        return circuit.control(next.mode, nowMs);
      case 'make room':
        this.isRoom = next.isRoom;
        return circuit.rejudge(nowMs);
      case 'peers':
        this.peers = next.peers;
        return;
      case 'start afresh':
        return circuit.startAfresh();
      case 'only look':
        circuit.look(nowMs);
    }
  }

  private admit(): number {
    const { circuit, nowMs, plan } = this;
    return circuit.isDrawn(nowMs)
      ? circuit.admit(nowMs, plan.leaseMs)
      : REFUSED;
  }

  private end(ticket: number, ending: Ending): void {
    const { isFailure, isLate, tookMs, askedMs } = answerOf(
      ending,
      this.plan.mostAskedMs,
    );
    const { circuit, nowMs } = this;
    circuit.record(ticket, isFailure, isLate, nowMs, tookMs, askedMs);
  }

  private waitFor(span: Span): number {
    const { rules, settings, leaseMs, recovery } = this.plan;
    const { resetTimeoutMs } = settings;
    const isRamp = recovery.kind === 'ramp';
    const rampMs = isRamp ? recovery.recoveryMs : resetTimeoutMs;
    if (typeof span === 'number') return span;
    return {
      'a bucket': rules.longestMs / 10,
      'most of the window': 0.9 * rules.longestMs,
      'the window': rules.longestMs,
      'an opening': resetTimeoutMs,
      'nearly an opening': resetTimeoutMs - 1,
      'a lease': leaseMs,
      'nearly a lease': leaseMs - 1,
      'a ramp': rampMs,
      'half a ramp': rampMs / 2,
      'nearly a ramp': rampMs - 1,
      'the grace': isRamp ? recovery.graceMs : 0,
      'an hour': 3_600_000,
    }[span];
  }

  private takeOut(index: number): number | undefined {
    const { running } = this;
    return running.length === 0
      ? undefined
      : running.splice(index % running.length, 1)[0];
  }
}
