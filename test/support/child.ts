import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { root } from './entries.js';
import { compilePackage } from './processes.js';

export interface Ended {
  /** Null where it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** From its first line to its end, however long it took to start; NaN where it was killed. */
  readonly tookMs: number;
}

/** It tells how long it took beside its output, by no handle that would hold it. */
const HEAD = `
  import { writeSync } from 'node:fs';
  import core from './dist/core.js';
  const { createDependency } = core;
  const startMs = performance.now();
  process.on('exit', () => writeSync(3, String(performance.now() - startMs)));
`;

/** What has come through a pipe. */
function textOf(pipe: Readable | Writable | null | undefined): () => string {
  let text = '';
  if (pipe instanceof Readable)
    pipe.setEncoding('utf8').on('data', (more: string) => (text += more));
  return () => text;
}

/** The package, compiled, in a folder of its own; scripts run beside it in processes of their own. */
export class Compiled {
  private constructor(private readonly folder: string) {}

  static make(): Compiled {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-dace-child-'));
    compilePackage(join(folder, 'dist'));
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
    writeFileSync(file, HEAD + script);
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...flags, file], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '' },
        timeout: withinMs,
        killSignal: 'SIGKILL',
      });
      const [, out, err, took] = child.stdio.map(textOf);
      child.on('error', reject);
      child.on('close', (code) => {
        const tookMs = Number(took!() || NaN);
        resolve({ code, out: out!(), err: err!(), tookMs });
      });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
