/**
 * Finds the browser that the report's spec looks with; as root on Debian and its kin, installs it.
 * Without one the spec is skipped, but for CI, where nothing is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** As in test/support/chromium.ts. */
const PATHS = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const find = () => PATHS.find((path) => path !== '' && existsSync(path));

const isRoot = process.getuid?.() === 0;
const canInstall = isRoot && existsSync('/usr/bin/apt-get');

function install() {
  console.log('There is no Chromium: installing it with apt-get.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-qq', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    const { status } = spawnSync('apt-get', args, {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) return;
  }
}

if (find() === undefined && canInstall) install();
const path = find();
if (path !== undefined) console.log(`Chromium: ${path}`);
else {
  console.log(
    'There is no Chromium, and it cannot be installed here: set CHROMIUM to the path of one. ' +
      'The report of dace-simulate is not looked at.',
  );
  if (process.env.CI === 'true') process.exitCode = 1;
}
