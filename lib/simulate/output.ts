/**
 * Files that are there as a whole or not at all.
 */
import {
  accessSync,
  constants,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError, messageOf } from './command-error.js';

/** Where something will be written, looked at before any work is done for it. */
export function checkedTarget(path: string): string {
  const target = resolve(path);
  const folder = dirname(target);
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory())
    throw new CommandError(`Cannot write ${target}: it is a folder.`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CommandError(
      `Cannot write ${target}: there is no folder ${folder}.`,
    );
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new CommandError(`Cannot write ${target}: ${messageOf(error)}`);
  }
  return target;
}

/**
 * Writes each file under another name first. Until all are in place Ctrl-C waits: a signal with a
 * listener is only heard when this returns.
 */
export function writeAll(files: ReadonlyMap<string, string>): void {
  const pending = new Map(
    [...files.keys()].map((path) => [
      path,
      join(dirname(path), `.${basename(path)}.${process.pid}.part`),
    ]),
  );
  const deferred = (): void => {};
  for (const signal of SIGNALS) process.on(signal, deferred);
  try {
    for (const [path, part] of pending) writeFileSync(part, files.get(path)!);
    for (const [path, part] of pending) renameSync(part, path);
  } catch (error) {
    for (const part of pending.values()) rmSync(part, { force: true });
    throw new CommandError(
      `Cannot write ${[...files.keys()].join(' and ')}: ${messageOf(error)}`,
    );
  } finally {
    for (const signal of SIGNALS) process.off(signal, deferred);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
