/**
 * A dependency of one permit, and its server, for code of a user's that acts in the middle of a
 * request: whatever it does, nothing goes unhandled and nothing stays behind.
 */
import {
  createDependency,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace/core';
import { afterEach, beforeEach } from 'vitest';
import { Upstream, type Route } from './http-upstream.js';

export let upstream: Upstream;
export let dependency: Dependency;
/** What nobody caught since the test began. */
export let unhandled: unknown[] = [];

const note = (error: unknown): void => void unhandled.push(error);

/** A server for each test of the file. */
export function served(route: Route): void {
  beforeEach(async () => {
    unhandled = [];
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    upstream = await Upstream.start(route);
  });
  afterEach(async () => {
    await dependency.close();
    await upstream.stop();
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  });
}

export function open(options: DependencyOptions = {}): void {
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    maxOpenPerNetloc: 1,
    retry: false,
    circuit: false,
    timeoutMs: 10_000,
    abandonAfterMs: 60_000,
    shutdownGraceMs: 0,
    ...options,
  });
}

/** Nothing runs or waits, and every operation has ended in one way. */
export function atRest(): boolean {
  const { inFlight, abandoned, queued, totals } = dependency.snapshot();
  const { started, succeeded, failed, refused, cancelled } = totals;
  return (
    inFlight + abandoned + queued === 0 &&
    started === succeeded + failed + refused + cancelled
  );
}
