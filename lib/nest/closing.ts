/**
 * Tells those who wait that a connection closes, by one listener for all of them.
 */
import type { Socket } from 'node:net';

/** What tells of its own end. */
export interface Emitter {
  once?(event: string, listener: () => void): void;
  removeListener?(event: string, listener: () => void): void;
}

/** One listener however many calls one socket carries: more than ten would make Node warn of a leak. */
export function whenClosed(
  raw: Emitter,
  events: readonly string[],
  closed: () => void,
): () => void {
  const waiting = watched.get(raw) ?? watch(raw, events);
  waiting.add(closed);
  return () => {
    waiting.delete(closed);
    if (!waiting.isEmpty) return;
    watched.delete(raw);
    for (const event of events) raw.removeListener?.(event, waiting.tell);
  };
}

/** As `whenClosed`, with a listener that stays for the requests that follow on the connection. */
export function whenConnectionCloses(
  connection: Socket,
  closed: () => void,
): () => void {
  if (connection.destroyed) {
    closed();
    return () => {};
  }
  const waiting = watched.get(connection) ?? watch(connection, ['close']);
  waiting.add(closed);
  return () => waiting.delete(closed);
}

/** Those who wait for the end of one connection: on HTTP/1 mostly one at a time. */
class Waiting {
  private first: (() => void) | undefined = undefined;
  private others: Set<() => void> | undefined = undefined;

  readonly tell = (): void => {
    this.first?.();
    if (this.others !== undefined) for (const closed of this.others) closed();
  };

  get isEmpty(): boolean {
    return this.first === undefined && (this.others?.size ?? 0) === 0;
  }

  add(closed: () => void): void {
    if (this.first === undefined) this.first = closed;
    else (this.others ??= new Set()).add(closed);
  }

  delete(closed: () => void): void {
    if (this.first === closed) this.first = undefined;
    else this.others?.delete(closed);
  }
}
const watched = new WeakMap<object, Waiting>();

function watch(raw: Emitter | Socket, events: readonly string[]): Waiting {
  const waiting = new Waiting();
  watched.set(raw, waiting);
  for (const event of events) raw.once?.(event, waiting.tell);
  return waiting;
}
