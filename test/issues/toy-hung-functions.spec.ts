import { describe, expect, it } from 'vitest';
import {
  errorOf,
  expectRest,
  hang,
  subject,
  watch,
} from '../support/core-toolkit.js';

describe('Ten functions that hang for ever', () => {
  it('lock the dependency for a while, not for ever', async () => {
    const it = subject();
    const hung = Array.from({ length: 10 }, () =>
      watch(it.dependency.execute(hang)),
    );
    await it.clock.advance(5_000);
    expect(hung.every(({ error }) => error?.code === 'DACE_TIMEOUT')).toBe(
      true,
    );
    expect(it.dependency.snapshot()).toMatchObject({
      inFlight: 0,
      abandoned: 10,
      state: 'open',
    });
    await it.clock.advance(30_000);
    expect(await it.dependency.execute(() => 'ok')).toBe('ok');
    expect(it.dependency.snapshot().state).toBe('closed');
    expectRest(it);
  });

  it('have those that come meanwhile queue, inside their own deadline', async () => {
    const it = subject({ circuit: false, timeoutMs: 1_000 });
    for (let n = 0; n < 10; n++)
      void it.dependency.execute(hang).catch(() => {});
    await it.clock.advance(1_000);
    const waiting = watch(it.dependency.execute(() => 'ok'));
    await it.clock.advance(1_000);
    expect(waiting.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    const patient = watch(
      it.dependency.execute(() => 'ok', { timeoutMs: false }),
    );
    await it.clock.advance(29_000);
    expect(patient.value).toBe('ok');
    expectRest(it);
  });

  it('whose callers went away are counted out just so', async () => {
    const it = subject();
    const caller = new AbortController();
    const gone = Array.from({ length: 10 }, () =>
      errorOf(it.dependency.execute(hang, { signal: caller.signal })),
    );
    caller.abort('gone');
    expect(await Promise.all(gone)).toEqual(Array(10).fill('gone'));
    await it.clock.advance(30_000);
    expect(await it.dependency.execute(() => 'ok')).toBe('ok');
    expectRest(it);
  });
});
