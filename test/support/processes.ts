import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './entries.js';

/** For every process that is waited for: what hangs is ended, and so fails where it was started. */
export const BOUND = { timeout: 60_000, killSignal: 'SIGKILL' } as const;

/** Compiles the package into `dist`. */
export function compilePackage(dist: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const config = join(root, 'tsconfig.build.json');
  // Types are another check's.
  const args = [compiler, '-p', config, '--outDir', dist, '--noCheck'];
  execFileSync(process.execPath, args, BOUND);
}
