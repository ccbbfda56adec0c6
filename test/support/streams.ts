import { Observable, Subject } from 'rxjs';

export interface Noted {
  readonly notes: unknown[];
  readonly subscription: { unsubscribe(): void };
}

/** Subscribes and notes all that comes: values, an error's message, `|` at the end. */
export function noting(stream: Observable<unknown>): Noted {
  const notes: unknown[] = [];
  const subscription = stream.subscribe({
    next: (value) => notes.push(value),
    error: (error: unknown) =>
      notes.push(error instanceof Error ? error.message : error),
    complete: () => notes.push('|'),
  });
  return { notes, subscription };
}

/** A cold source in the test's hand, which counts who comes and goes. */
export class ColdSource<T = unknown> {
  subscribed = 0;
  left = 0;
  /** Of each subscription, what it is fed by. */
  readonly feeds: Subject<T>[] = [];

  readonly stream = new Observable<T>((to) => {
    this.subscribed += 1;
    const feed = new Subject<T>();
    this.feeds.push(feed);
    const subscription = feed.subscribe(to);
    return () => {
      this.left += 1;
      subscription.unsubscribe();
    };
  });

  get last(): Subject<T> {
    return this.feeds.at(-1)!;
  }
}

/** A source that never pauses: it stops only when nobody listens any more. */
export function endless(): { stream: Observable<number>; emitted(): number } {
  let count = 0;
  return {
    stream: new Observable((to) => {
      while (!to.closed) {
        if (count > 1_000) throw new Error('It would have gone on for ever');
        to.next((count += 1));
      }
    }),
    emitted: () => count,
  };
}
