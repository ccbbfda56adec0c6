import { describe, expect, it } from 'vitest';
import {
  after,
  expectRest,
  subject,
  watch,
  type Watched,
} from '../support/core-toolkit.js';

describe.each([
  ['no hosts', undefined],
  ['one host', ['http://a']],
  ['two hosts', ['http://a', 'http://b']],
])(
  'Two hundred requests a second on the defaults, with %s,',
  (_kind, hosts) => {
    it.each([
      ['evenly', 1],
      ['in bursts of ten', 10],
      ['in bursts of fifty', 50],
    ])('%s, see no refusal', async (_how, burst) => {
      const rig = subject({ hosts });
      const calls: Watched<string>[] = [];
      let n = 0;
      for (let ms = 0; ms < 10_000; ms += 5 * burst) {
        for (let each = 0; each < burst; each++) {
          n += 1;
          // 20–40 ms, the same each time the test runs.
          const tookMs = 20 + ((n * 7_919) % 21);
          calls.push(
            watch(
              rig.dependency.execute(() =>
                after(rig.clock, tookMs, () => 'ok'),
              ),
            ),
          );
        }
        await rig.clock.advance(5 * burst);
      }
      await rig.clock.advance(1_000);
      expect(calls).toHaveLength(2_000);
      expect(calls.filter(({ value }) => value !== 'ok')).toEqual([]);
      expect(rig.dependency.snapshot().totals).toMatchObject({
        started: 2_000,
        succeeded: 2_000,
        refused: 0,
      });
      expectRest(rig);
    });
  },
);
