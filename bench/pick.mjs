/**
 * What it costs to choose a host: `HostSet.pick` as a call does it, in nanoseconds and in bytes, among
 * 10, 100 and 1,000 hosts of equal and of different weights, some of them busy.
 *
 * node --expose-gc bench/pick.mjs
 */
import { Host } from '../dist/balancing/host.js';
import { HostSet } from '../dist/balancing/host-set.js';
import { Circuit } from '../dist/circuit/circuit.js';
import { probes } from '../dist/circuit/recovery.js';
import { failureRatio } from '../dist/circuit/trip-rules.js';
import { realRandom } from '../dist/core/random.js';
import { Permits } from '../dist/limits/permits.js';
import { median, row, table } from './measure.mjs';

const NAMES = ['peak-ewma', 'least-pending', 'round-robin', 'random'];
const SIZES = [10, 100, 1_000];
const ROUNDS = 9;
const ROUND_PICKS = 200_000;
const BYTES_PICKS = 1_000_000;
const SLICES = 10;

const SETTINGS = {
  trip: [failureRatio({ ratio: 0.5 })],
  recovery: probes(),
  resetTimeoutMs: 10_000,
  resetBackoff: { factor: 1, maxMs: 60_000, jitter: 0 },
  leaseMs: 1_000,
  maxOutRatio: 0.5,
};
const alone = { mayOpen: () => true, changed() {}, ruleFailed() {} };
const circuit = () => new Circuit(SETTINGS, alone, realRandom);

/**
 * Chance that leaves nothing behind, to tell what a pick does: V8 makes an object of 16 bytes of each
 * number that `Math.random` draws. They are drawn before, and stand among others than numbers.
 */
const drawn = [null, ...Array.from({ length: 4_095 }, realRandom)];
let drawnAt = 0;
const drawnBefore = () => {
  drawnAt = (drawnAt % 4_095) + 1;
  return drawn[drawnAt];
};

/** Hosts with circuits below one above, answer times, and attempts running on every other one. */
function hostSet(name, count, isEven, random) {
  const owner = {
    random,
    maxOutRatio: 0.5,
    circuit: circuit(),
    hostChanged() {},
    hostMoved() {},
  };
  const set = new HostSet(owner, name);
  const hosts = Array.from({ length: count }, (_, at) => {
    const setting = {
      netloc: `h${at}:80`,
      protocol: 'http',
      baseUrl: `http://h${at}`,
      weight: isEven ? 1 : 1 + (at % 7),
    };
    const host = new Host(setting, new Permits(10, 100));
    host.circuit = circuit();
    host.latency.succeeded(5 + (at % 11), 0);
    host.inFlight = at % 2;
    return host;
  });
  set.setHosts(hosts);
  return set;
}

let asOfMs = 1_000;
let checksum = 0;

/**
 * As a call does: the host that is picked is asked. A thousand within a millisecond; the times stand
 * among others than numbers, so that handing one on makes no new object of it.
 */
function picks(set, count) {
  const times = [null];
  for (let each = 0; each < count; each += 1_000) times.push((asOfMs += 1.5));
  for (let each = 0; each < count; each++) {
    const nowMs = times[1 + Math.floor(each / 1_000)];
    const host = set.pick(nowMs, undefined, true);
    host.asked(nowMs);
    checksum += host.inFlight;
  }
}

function nanoseconds(set) {
  const startMs = performance.now();
  picks(set, ROUND_PICKS);
  return ((performance.now() - startMs) * 1e6) / ROUND_PICKS;
}

const used = () => process.memoryUsage().heapUsed;

/**
 * In slices so short that nothing is collected meanwhile, a million picks in all. The median, since
 * now and then the engine itself keeps something of a slice. The smallest object there is has 16 bytes.
 */
function bytes(pick) {
  pick(ROUND_PICKS);
  const samples = [];
  for (let slice = 0; slice < SLICES; slice++) {
    globalThis.gc();
    const before = used();
    pick(BYTES_PICKS / SLICES);
    samples.push(((used() - before) * SLICES) / BYTES_PICKS);
  }
  return median(samples);
}

/** What a measurement of something that leaves one small object behind comes to. */
let last;
const oneObject = (count) => {
  for (let each = 0; each < count; each++)
    last = { nowMs: each, random: realRandom };
};
const oneDraw = (count) => {
  let sum = 0;
  for (let each = 0; each < count; each++) sum += realRandom();
  if (sum < 0) throw new Error('nothing was drawn');
};

for (const isEven of [true, false]) {
  const weights = isEven ? 'equal weights' : 'weights 1 to 7';
  const setsWith = (random) =>
    SIZES.flatMap((count) =>
      NAMES.map((name) => [
        `${name}, ${count.toLocaleString('en-US')} hosts`,
        hostSet(name, count, isEven, random),
      ]),
    );

  const results = { 'limit: 200 ns': 200 };
  const sets = setsWith(realRandom);
  const samples = new Map(sets.map(([name]) => [name, []]));
  for (const [, set] of sets) picks(set, ROUND_PICKS);
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, set] of sets) samples.get(name).push(nanoseconds(set));
  for (const [name] of sets) results[name] = median(samples.get(name));
  table(
    `One pick, ${weights}`,
    'ns',
    results,
    sets.map(([name]) => row(results, name, 'limit: 200 ns', 'at most', 1)),
  );

  const left = {
    'limit: 4 bytes': 4,
    'to compare: an object of two': bytes(oneObject),
    'to compare: a draw of Math.random': bytes(oneDraw),
  };
  const quiet = setsWith(drawnBefore);
  for (const [name, set] of quiet)
    left[name] = bytes((count) => picks(set, count));
  table(
    `Heap that a pick leaves behind, ${weights}`,
    'bytes',
    left,
    quiet.map(([name]) => row(left, name, 'limit: 4 bytes', 'at most', 1)),
  );
}
if (checksum < 0 || last === undefined) throw new Error('nothing was picked');
