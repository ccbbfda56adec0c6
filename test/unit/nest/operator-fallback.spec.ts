import { concat, firstValueFrom, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { faultTolerant, type Call } from 'nestjs-dace';
import {
  answered,
  errorOf,
  fail,
  refusedConnection,
  subject,
  throwing,
} from '../../support/core-toolkit.js';
import { noting } from '../../support/streams.js';

const failing = throwError(() => new Error('boom'));

describe('The fallback of a fault-tolerant stream', () => {
  it.each([
    ['a value', 'spare', ['spare']],
    ['null', null, [null]],
    ['a promise', Promise.resolve('spare'), ['spare']],
    ['a stream', of('spare', 'more'), ['spare', 'more']],
    ['a function of a value', () => 'spare', ['spare']],
    ['a function of undefined', () => undefined, [undefined]],
    ['an async function', async () => 'spare', ['spare']],
    ['a function of a stream', () => of('spare', 'more'), ['spare', 'more']],
    ['an async function of a stream', async () => of('a', 'b'), ['a', 'b']],
  ])('may be %s', async (_what, fallback, expected) => {
    const { dependency } = subject();

    const stream = failing.pipe(
      faultTolerant<unknown, unknown>(dependency, { fallback }),
      toArray(),
    );

    expect(await firstValueFrom(stream)).toEqual(expected);
    expect(dependency.snapshot().totals).toMatchObject({
      failed: 1,
      fallbacks: 1,
    });
  });

  it('sees the error and the call of the last attempt', async () => {
    const { dependency } = subject({ retry: { on: 'any', attempts: 2 } });
    const seen: unknown[] = [];
    const fallback = (error: unknown, call: Call): string => {
      seen.push((error as Error).message, call.attempt);
      return 'spare';
    };

    await firstValueFrom(failing.pipe(faultTolerant(dependency, { fallback })));

    expect(seen).toEqual(['2 attempts at "payments" failed: boom', 2]);
  });

  it('answers for a refusal, and the source is not asked', async () => {
    const { dependency } = subject();
    dependency.control('forced-open');
    const fallback = (_: unknown, { attempt }: Call): number => attempt;

    const stream = of('never').pipe(faultTolerant(dependency, { fallback }));

    expect(await firstValueFrom(stream)).toBe(0);
    expect(dependency.snapshot().totals).toMatchObject({
      refused: 1,
      attempts: 0,
    });
  });

  it('leaves alone what comes after the first value', async () => {
    const { dependency } = subject();

    const { notes } = noting(
      concat(of('a'), failing).pipe(
        faultTolerant(dependency, { fallback: 'spare' }),
      ),
    );

    expect(notes).toEqual(['a', 'boom']);
    expect(dependency.snapshot().totals.fallbacks).toBe(0);
  });

  it('does not run for an answer that is the caller’s own fault', async () => {
    const { dependency } = subject();
    const notFound = answered(404);

    const stream = throwError(() => notFound).pipe(
      faultTolerant(dependency, { fallback: 'spare' }),
    );

    expect(await errorOf(firstValueFrom(stream))).toBe(notFound);
  });

  it('that fails surfaces its own error, with the first as its cause', async () => {
    const { dependency } = subject();
    const fallback = throwing(() => new Error('none left'));

    const stream = failing.pipe(faultTolerant(dependency, { fallback }));

    expect(await errorOf(firstValueFrom(stream))).toMatchObject({
      message: 'none left',
      cause: { message: 'boom' },
    });
  });

  it('that is a stream fails as that stream does, uncounted', async () => {
    const { dependency } = subject();
    const fallback = throwError(() => new Error('none left'));

    const { notes } = noting(
      failing.pipe(faultTolerant(dependency, { fallback })),
    );
    await new Promise((resolve) => setImmediate(resolve));

    expect(notes).toEqual(['none left']);
    expect(dependency.snapshot().totals.failed).toBe(1);
  });

  it('of the dependency serves its streams', async () => {
    const { dependency } = subject({ fallback: () => of('spare', 'more') });

    const stream = failing.pipe(faultTolerant(dependency), toArray());

    expect(await firstValueFrom(stream)).toEqual(['spare', 'more']);
  });

  it('is the answer at once where the circuit is open', async () => {
    const { dependency } = subject();
    await fail(dependency, 5, refusedConnection);
    expect(dependency.snapshot().state).toBe('open');

    const stream = failing.pipe(
      faultTolerant(dependency, { fallback: 'spare' }),
    );

    expect(await firstValueFrom(stream)).toBe('spare');
    expect(dependency.snapshot().totals.refused).toBe(1);
  });
});
