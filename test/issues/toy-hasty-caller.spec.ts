import { describe, expect, it } from 'vitest';
import {
  after,
  expectRest,
  hang,
  subject,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

async function usual(rig: Subject, times: number, ms: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const call = watch(
      rig.dependency.execute(() => after(rig.clock, ms, () => 'ok')),
    );
    await rig.clock.advance(ms);
    expect(call.value).toBe('ok');
  }
}

describe.each([
  ['without hosts', undefined],
  ['with one host', ['http://a']],
  ['with three hosts', ['http://a', 'http://b', 'http://c']],
])('On a shared dependency %s', (_kind, hosts) => {
  it('somebody’s 1 ms deadline opens nothing for anybody', async () => {
    const rig = subject({ hosts, abandonAfterMs: 0 });
    await usual(rig, 12, 40);
    for (let n = 0; n < 200; n++) {
      const hasty = watch(
        rig.dependency.execute(() => after(rig.clock, 40, () => 'ok'), {
          timeoutMs: 1,
        }),
      );
      await rig.clock.advance(1);
      expect(hasty.error).toMatchObject({ code: 'DACE_TIMEOUT' });
      await rig.clock.advance(39);
    }
    const { state, hosts: shown } = rig.dependency.snapshot();
    expect(state).toBe('closed');
    expect(shown.every((host) => host.inService)).toBe(true);
    await usual(rig, 1, 40);
    await rig.clock.advance(1_000);
    expectRest(rig);
  });

  it('a 300 ms deadline opens it when the dependency hangs', async () => {
    const rig = subject({ hosts, abandonAfterMs: 0 });
    await usual(rig, 12, 40);
    let calls = 0;
    while (rig.dependency.snapshot().state === 'closed' && calls < 100) {
      calls += 1;
      void rig.dependency.execute(hang, { timeoutMs: 300 }).catch(() => {});
      await rig.clock.advance(300);
    }
    expect(rig.dependency.snapshot().state).toBe('open');
    expect(calls).toBeLessThanOrEqual(60);
  });
});
