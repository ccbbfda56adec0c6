import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './entries.js';
import { BOUND, compilePackage } from './processes.js';

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** `dace-simulate`, built, and a folder to run it in. */
export class SimulateCommand {
  private readonly folder = mkdtempSync(join(tmpdir(), 'dace-simulate-'));
  /** Where it runs. */
  readonly work = join(this.folder, 'work');
  readonly main = join(this.folder, 'dist/simulate/main.js');

  constructor() {
    const dist = join(this.folder, 'dist');
    compilePackage(dist);
    cpSync(join(root, 'lib/simulate/page'), join(dist, 'simulate/page'), {
      recursive: true,
    });
    cpSync(join(root, 'package.json'), join(this.folder, 'package.json'));
    symlinkSync(
      join(root, 'node_modules'),
      join(this.folder, 'node_modules'),
      'junction',
    );
    mkdirSync(this.work);
  }

  write(path: string, text: string): string {
    const target = join(this.work, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    return target;
  }

  /** Ends by itself, or by SIGINT `afterMs`. */
  run(...argv: string[]): Promise<CommandEnd> {
    return this.start(...argv).ended;
  }

  start(...argv: string[]) {
    const child = spawn(process.execPath, [this.main, ...argv], {
      ...BOUND,
      cwd: this.work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const ended = new Promise<CommandEnd>((resolve, reject) => {
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, out, err }));
    });
    return { child, ended };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
