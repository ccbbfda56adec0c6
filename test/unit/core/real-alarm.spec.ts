import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformWithOxc } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { realClock, settled } from '../../../lib/core/clock.js';
import { root } from '../../support/entries.js';
import { until } from '../../support/http-upstream.js';

const WITHIN_MS = 20_000;

function ringing() {
  const rungMs: number[] = [];
  const alarm = realClock.alarm(() => rungMs.push(realClock.nowMs()));
  return { alarm, rungMs };
}

describe('An alarm of the real clock', () => {
  it('rings once, not before its moment', async () => {
    const { alarm, rungMs } = ringing();
    const dueMs = realClock.nowMs() + 20;

    alarm.set(dueMs);
    await until(() => rungMs.length > 0);

    expect(rungMs).toHaveLength(1);
    expect(rungMs[0]).toBeGreaterThanOrEqual(dueMs);
  });

  it('rings at the moment set last, earlier or later', async () => {
    const later = ringing();
    const earlier = ringing();
    const nowMs = realClock.nowMs();
    later.alarm.set(nowMs + 1);
    earlier.alarm.set(nowMs + 60_000);

    later.alarm.set(nowMs + 40);
    earlier.alarm.set(nowMs + 5);
    await until(() => later.rungMs.length > 0 && earlier.rungMs.length > 0);

    expect(later.rungMs[0]).toBeGreaterThanOrEqual(nowMs + 40);
    expect(earlier.rungMs[0]).toBeLessThan(nowMs + 30_000);
    expect(later.rungMs.length + earlier.rungMs.length).toBe(2);
  });

  it('does not ring once cleared, and rings when set again', async () => {
    const cleared = ringing();
    const other = ringing();
    const nowMs = realClock.nowMs();
    cleared.alarm.set(nowMs + 5);

    cleared.alarm.clear();
    other.alarm.set(nowMs + 30);
    await until(() => other.rungMs.length > 0);
    expect(cleared.rungMs).toEqual([]);

    cleared.alarm.set(realClock.nowMs() + 5);
    await until(() => cleared.rungMs.length > 0);
    expect(cleared.rungMs).toHaveLength(1);
  });

  it('may be set again by what it calls', async () => {
    let rings = 0;
    const alarm = realClock.alarm(() => {
      rings += 1;
      if (rings < 3) alarm.set(realClock.nowMs() + 1);
    });

    alarm.set(realClock.nowMs() + 1);
    await until(() => rings === 3);

    expect(rings).toBe(3);
  });

  it('rings at once for a moment that is past', async () => {
    const { alarm, rungMs } = ringing();
    const setMs = realClock.nowMs();

    alarm.set(setMs - 1_000);
    await until(() => rungMs.length > 0);

    expect(rungMs).toHaveLength(1);
  });

  it('rests: cleared, it leaves no listener on the process behind', async () => {
    const before = process.listenerCount('beforeExit');
    const { alarm } = ringing();
    alarm.set(realClock.nowMs() + 10);
    expect(process.listenerCount('beforeExit')).toBe(before + 1);

    alarm.clear();
    await until(() => process.listenerCount('beforeExit') === before);

    expect(process.listenerCount('beforeExit')).toBe(before);
  });
});

describe('The real clock', () => {
  it('tells monotonic time and the date apart', async () => {
    const firstMs = realClock.nowMs();
    await settled();

    expect(realClock.nowMs()).toBeGreaterThanOrEqual(firstMs);
    expect(Math.abs(realClock.dateMs() - Date.now())).toBeLessThan(5_000);
  });
});

describe('A process with an alarm', { timeout: 3 * WITHIN_MS }, () => {
  let clock: string;
  const run = async (script: string): Promise<string> => {
    const module = `${clock}
      process.on('exit', () => console.log('exit'));
      ${script}`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', module],
      { timeout: WITHIN_MS, env: { ...process.env, NODE_OPTIONS: '' } },
    );
    return stdout;
  };

  beforeAll(async () => {
    const file = join(root, 'lib/core/clock.ts');
    clock = (await transformWithOxc(readFileSync(file, 'utf8'), file)).code;
  });

  it('that waits does not end before it rings', async () => {
    const out = await run(`
      const dueMs = realClock.nowMs() + 600;
      realClock
        .alarm(() => console.log(realClock.nowMs() >= dueMs ? 'rung' : 'early'))
        .set(dueMs);
    `);

    expect(out).toBe('rung\nexit\n');
  });

  it('that rests after use ends at once', async () => {
    const out = await run(`
      const alarm = realClock.alarm(() => console.log('rung'));
      alarm.set(realClock.nowMs() + 240);
      alarm.clear();
      const startMs = realClock.nowMs();
      process.on('exit', () => console.log(realClock.nowMs() - startMs < 150));
    `);

    expect(out).toBe('exit\ntrue\n');
  });

  it('that holds nobody ends before it rings', async () => {
    const out = await run(`
      realClock
        .alarm(() => console.log('rung'), { holdsProcess: false })
        .set(realClock.nowMs() + 2_000);
    `);

    expect(out).toBe('exit\n');
  });
});
