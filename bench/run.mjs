/**
 * `npm run bench`: every bench in a process of its own, one after the other. A ratio that misses its
 * target is shown as MISSED; the machine's mood is no test, so the exit code stays 0.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

console.log(
  `Node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? ''}`,
);
for (const name of process.argv.slice(2).length > 0
  ? process.argv.slice(2)
  : ['overhead', 'http', 'method', 'route', 'idle', 'pick', 'simulate']) {
  const file = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--expose-gc', file], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
