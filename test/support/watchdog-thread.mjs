/** The other half of watchdog.ts: it sees whether the process still turns. */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';

const { pulse, letters } = workerData;
const LOOK_MS = 1_000;
/** Where a circle is, one moment alone may not show. */
const MOMENTS = 4;
const BETWEEN_MOMENTS_MS = 50;
const MOST_FRAMES = 12;
const MOST_STEPS = 20;
/** Nothing can be shown of what does not run JavaScript. */
const SHOW_MS = 5_000;

const parent = process.ppid;
let seen = -1;
// Looks are counted: where the whole machine stands still, this does too.
let looks = 0;

const looking = setInterval(() => {
  if (pulse[0] === seen) looks += 1;
  else looks = 0;
  seen = pulse[0];
  // Whoever ran it was killed; by itself it would go on.
  if (process.ppid !== parent) end();
  if (looks * LOOK_MS >= pulse[1]) tell();
}, LOOK_MS);

function tell() {
  clearInterval(looking);
  const name = new TextDecoder().decode(letters.slice(0, pulse[2]));
  say(`Did not give way for ${looks} s, and is ended: ${name}`);
  setTimeout(end, SHOW_MS);
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map();
  session.on('Debugger.scriptParsed', ({ params }) => {
    urls.set(params.scriptId, params.url);
  });
  let moments = 0;
  let steps = 0;
  session.on('Debugger.paused', ({ params: { callFrames } }) => {
    // Between two microtasks there is nothing to see: on into the next.
    const top = urls.get(callFrames[0]?.location.scriptId) ?? '';
    if (top.startsWith('node:') && steps < MOST_STEPS) {
      steps += 1;
      session.post('Debugger.stepInto');
      return;
    }
    steps = 0;
    moments += 1;
    say(`Moment ${moments}:`);
    for (const frame of callFrames.slice(0, MOST_FRAMES)) show(frame, urls);
    if (moments === MOMENTS) end();
    session.post('Debugger.resume');
    setTimeout(() => session.post('Debugger.pause'), BETWEEN_MOMENTS_MS);
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

function show({ functionName, location }, urls) {
  const { scriptId, lineNumber } = location;
  const place = `${urls.get(scriptId) ?? ''}:${lineNumber + 1}`;
  say(`    at ${functionName || '<anonymous>'} (${place})`);
}

function say(line) {
  writeSync(2, `${line}\n`);
}

function end() {
  process.kill(process.pid, 'SIGKILL');
}
