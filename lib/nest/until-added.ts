/**
 * A protected call while the app is put together, in a factory say, may come before its dependency is
 * there. It waits, but not for ever: what makes the dependency's options may be waiting for the call.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { realClock, type Clock } from '../core/clock.js';
import { DaceConfigurationError } from '../core/errors.js';
import type { Dependency } from '../dependency/dependency.js';
import { calledByItsMakerMessage, neverAddedMessage } from './dace.messages.js';

const LONGEST_WAIT_MS = 10_000;

/** The ids whose options are being made around the code that runs. */
const beingMade = new AsyncLocalStorage<readonly string[]>();

/** Runs what makes the options of `ids`. */
export function making<T>(ids: readonly string[], make: () => T): T {
  return beingMade.run(ids, make);
}

/** What is waited for. */
interface Registry {
  has(id: string): boolean;
  onAdded(watch: (dependency: Dependency) => void): () => void;
}

/** Rejects when `id` has not been added in ten seconds. */
export function untilAdded(
  registry: Registry,
  id: string,
  clock: Clock = realClock,
): Promise<void> {
  if (beingMade.getStore()?.includes(id) === true)
    return Promise.reject(refused(id, calledByItsMakerMessage(id)));
  return new Promise((resolve, reject) => {
    const alarm = clock.alarm(() => {
      stop();
      reject(refused(id, neverAddedMessage(id, LONGEST_WAIT_MS)));
    });
    const stop = registry.onAdded(() => {
      if (!registry.has(id)) return;
      stop();
      alarm.clear();
      resolve();
    });
    alarm.set(clock.nowMs() + LONGEST_WAIT_MS);
  });
}

function refused(
  dependencyId: string,
  message: string,
): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
