/** Measuring in turns, and tables of ratios: shared by the benches. */

const ROUNDS = 15;
const ROUND_MS = 60;

/** Median nanoseconds per call of each contender; one after the other, round after round. */
export async function inTurns(contenders) {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await time(contenders[name], ROUND_MS * 4);
  for (let round = 0; round < ROUNDS; round++)
    for (const name of names)
      samples[name].push(await time(contenders[name], ROUND_MS));
  return Object.fromEntries(names.map((name) => [name, median(samples[name])]));
}

async function time(call, forMs) {
  let calls = 0;
  const startMs = performance.now();
  const isSync = !(call() instanceof Promise);
  for (;;) {
    if (isSync) for (let step = 0; step < 500; step++) call();
    else for (let step = 0; step < 500; step++) await call();
    calls += 500;
    const tookMs = performance.now() - startMs;
    if (tookMs >= forMs) return (tookMs * 1e6) / calls;
  }
}

const HTTP_ROUNDS = 5;
const HTTP_ROUND_MS = 1_000;

/** Median calls per second of each contender with `concurrency` under way, in turns. */
export async function perSecondInTurns(concurrency, contenders) {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await flood(contenders[name], concurrency, 500);
  for (let round = 0; round < HTTP_ROUNDS; round++)
    for (const name of names)
      samples[name].push(
        await flood(contenders[name], concurrency, HTTP_ROUND_MS),
      );
  return Object.fromEntries(names.map((name) => [name, median(samples[name])]));
}

async function flood(call, concurrency, forMs) {
  let calls = 0;
  const startMs = performance.now();
  const endMs = startMs + forMs;
  const worker = async () => {
    while (performance.now() < endMs) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (calls * 1_000) / (performance.now() - startMs);
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const failures = [];

/** One ratio and its target; `at most` or `at least`. */
export function row(results, name, against, bound, target) {
  const ratio = results[name] / results[against];
  const isMet = bound === 'at most' ? ratio <= target : ratio >= target;
  if (!isMet) failures.push(`${name} / ${against}: ${ratio.toFixed(3)}`);
  return { name, against, ratio, bound, target, isMet };
}

export function table(title, unit, results, rows) {
  console.log(`\n${title}\n`);
  console.log(`| contender | ${unit} |\n| --- | ---: |`);
  for (const [name, value] of Object.entries(results))
    console.log(`| ${name} | ${Math.round(value).toLocaleString('en-US')} |`);
  console.log('\n| ratio | measured | target | |\n| --- | ---: | ---: | --- |');
  for (const { name, against, ratio, bound, target, isMet } of rows)
    console.log(
      `| ${name} / ${against} | ${ratio.toFixed(3)} | ${bound} ${Number(target.toFixed(3))} | ${isMet ? 'met' : 'MISSED'} |`,
    );
}

/** Ratios that missed their target in this process. */
export const missed = () => failures;
