/**
 * Every check, in the order in which a failure is cheapest to learn about; stops at the first that
 * fails. The last line counts them: each test, and each step that is not made of tests.
 */
import { spawn } from 'node:child_process';

/** Each is an npm script of its own: `npm run <script>`. */
const steps = [
  { name: 'format', script: 'format:check' },
  // What imports the package by its name is read by the types that this makes.
  { name: 'build', script: 'build' },
  { name: 'lint', script: 'lint' },
  { name: 'types', script: 'typecheck' },
  { name: 'browser', script: 'test:browser' },
  { name: 'specs', script: 'test:specs' },
  { name: 'package', script: 'test:package' },
  { name: 'sample', script: 'start', args: ['--', '--seconds', '5'] },
  { name: 'rpc', script: 'sample:010', args: ['--', '--seconds', '5'] },
  { name: 'fetch', script: 'sample:020' },
];

/** None takes half as long; what goes on for ever is ended with all that it has started. */
const LONGEST_STEP_MS = 15 * 60_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const CLOSING_LINE = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm;

const isWindows = process.platform === 'win32';

/** Runs one npm script, shows what it prints, and reads the closing line if it has one. */
function run({ script, args = [] }) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script, ...args], {
      stdio: ['inherit', 'pipe', 'inherit'],
      shell: isWindows,
      // A group of its own, so that all of it can be ended.
      detached: !isWindows,
    });
    const kill = () => {
      if (isWindows || child.pid === undefined) child.kill();
      else process.kill(-child.pid, 'SIGKILL');
    };
    const tooLong = setTimeout(() => {
      console.error(`${script} has not ended: it is killed.`);
      kill();
    }, LONGEST_STEP_MS);
    const leave = () => {
      kill();
      process.exit(1);
    };
    for (const signal of SIGNALS) process.on(signal, leave);
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
      process.stdout.write(text);
    });
    child.on('error', (error) => {
      console.error(error.message);
      resolve({ isOk: false });
    });
    child.on('close', (code) => {
      clearTimeout(tooLong);
      for (const signal of SIGNALS) process.off(signal, leave);
      resolve({
        isOk: code === 0,
        counts: [...printed.matchAll(CLOSING_LINE)].at(-1),
      });
    });
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];

for (const step of steps) {
  console.log(`\n== ${step.name}: npm run ${step.script}`);
  const startedMs = performance.now();
  const { isOk, counts } = await run(step);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const [passed, failed, skipped = 0] = counts
    ?.slice(1)
    .map((n) => Number(n ?? 0)) ?? [isOk ? 1 : 0, 0];
  total.passed += passed;
  total.failed += isOk ? failed : Math.max(failed, 1);
  total.skipped += skipped;
  summary.push(
    `${isOk ? 'ok  ' : 'FAIL'} ${step.name.padEnd(8)} ${seconds.padStart(6)} s`,
  );
  console.log(summary.at(-1));
  if (!isOk) {
    process.exitCode = 1;
    break;
  }
}

console.log(`\n${summary.join('\n')}\n`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
