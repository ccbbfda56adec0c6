import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './entries.js';

export interface Ended {
  /** Null where it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly tookMs: number;
}

/** The package, compiled, in a folder of its own; scripts run beside it in processes of their own. */
export class Compiled {
  private constructor(private readonly folder: string) {}

  static make(): Compiled {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-dace-child-'));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const config = join(root, 'tsconfig.build.json');
    const dist = join(folder, 'dist');
    execFileSync(process.execPath, [compiler, '-p', config, '--outDir', dist]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    symlinkSync(
      join(root, 'node_modules'),
      join(folder, 'node_modules'),
      'junction',
    );
    return new Compiled(folder);
  }

  /** Runs an ES module that finds `createDependency` defined; killed after `withinMs`. */
  run(
    script: string,
    withinMs: number,
    flags: readonly string[] = [],
  ): Promise<Ended> {
    const file = join(this.folder, 'script.mjs');
    const head = `import core from './dist/core.js';\nconst { createDependency } = core;\n`;
    writeFileSync(file, head + script);
    const startMs = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...flags, file], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
      const kill = setTimeout(() => child.kill('SIGKILL'), withinMs);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(kill);
        resolve({ code, out, err, tookMs: performance.now() - startMs });
      });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
