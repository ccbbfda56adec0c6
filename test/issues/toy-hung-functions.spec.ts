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
    const rig = subject();
    const hung = Array.from({ length: 10 }, () =>
      watch(rig.dependency.execute(hang)),
    );
    await rig.clock.advance(5_000);
    expect(hung.every(({ error }) => error?.code === 'DACE_TIMEOUT')).toBe(
      true,
    );
    expect(rig.dependency.snapshot()).toMatchObject({
      inFlight: 0,
      abandoned: 10,
      state: 'open',
    });
    await rig.clock.advance(30_000);
    expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
    expect(rig.dependency.snapshot().state).toBe('closed');
    expectRest(rig);
  });

  it('have those that come meanwhile queue, inside their own deadline', async () => {
    const rig = subject({ circuit: false, timeoutMs: 1_000 });
    for (let n = 0; n < 10; n++)
      void rig.dependency.execute(hang).catch(() => {});
    await rig.clock.advance(1_000);
    const waiting = watch(rig.dependency.execute(() => 'ok'));
    await rig.clock.advance(1_000);
    expect(waiting.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    const patient = watch(
      rig.dependency.execute(() => 'ok', { timeoutMs: false }),
    );
    await rig.clock.advance(29_000);
    expect(patient.value).toBe('ok');
    expectRest(rig);
  });

  it('whose callers went away are counted out just so', async () => {
    const rig = subject();
    const caller = new AbortController();
    const gone = Array.from({ length: 10 }, () =>
      errorOf(rig.dependency.execute(hang, { signal: caller.signal })),
    );
    caller.abort('gone');
    expect(await Promise.all(gone)).toEqual(Array(10).fill('gone'));
    await rig.clock.advance(30_000);
    expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
    expectRest(rig);
  });
});
