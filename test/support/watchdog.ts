/**
 * A timeout of vitest's needs a turn of the event loop. Where none comes, since code turns in circles
 * or waits in its sleep, a thread beside it says in which test, shows where, and ends the process.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach } from 'vitest';

/** Outside tests, where packages are compiled and whole files loaded. */
const USUAL_MS = 90_000;
/** What a test may take longer than it is given, before it counts as stuck. */
const GRACE_MS = 20_000;
const BEAT_MS = 500;
const LONGEST_NAME = 1_000;

const pulse = new Int32Array(new SharedArrayBuffer(3 * 4));
const letters = new Uint8Array(new SharedArrayBuffer(LONGEST_NAME));

/** From now on: what runs, and for how long it may keep the process from turning. */
function watch(name: string, mostMs: number): void {
  const bytes = Buffer.from(name).subarray(0, LONGEST_NAME);
  letters.set(bytes);
  // Between two tests that never wait the event loop does not turn.
  pulse[0]! += 1;
  pulse[1] = mostMs;
  pulse[2] = bytes.length;
}

watch('outside its tests', USUAL_MS);
setInterval(() => (pulse[0]! += 1), BEAT_MS).unref();
new Worker(join(process.cwd(), 'test/support/watchdog-thread.mjs'), {
  workerData: { pulse, letters },
  execArgv: [],
}).unref();

beforeEach(({ task }) => {
  watch(`${task.file.name} > ${task.name}`, task.timeout + GRACE_MS);
});
afterEach(({ task }) => watch(`${task.file.name}, after a test`, USUAL_MS));
