import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from './free-port.js';

/** By then it must listen. */
const START_MS = 10_000;

/** The inventory, which may be killed and started again on the same port. */
export class InventoryProcess {
  private child: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<InventoryProcess> {
    const inventory = new InventoryProcess(await freePort());
    await inventory.revive();
    return inventory;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves once it listens. */
  async revive(): Promise<void> {
    const main = join(__dirname, '../inventory/main.js');
    const child = fork(main, [String(this.port)]);
    this.child = child;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The inventory has ended with ${String(code)}`);
    });
    const signal = AbortSignal.timeout(START_MS);
    await Promise.race([once(child, 'message', { signal }), ended]);
    // From here on it may end: the app is there to find that out.
    ended.catch(() => {});
  }

  /** Dies in the middle of whatever it does. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
