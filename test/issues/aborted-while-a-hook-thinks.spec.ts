import { getEventListeners } from 'node:events';
import axios from 'axios';
import { createDependency, type DependencyOptions } from 'nestjs-dace/core';
import { expect, it } from 'vitest';
import { until } from '../support/http-upstream.js';

/**
 * A caller's signal ends a request whatever it is doing. Within a call it was listened to only once the
 * hook, or the function of a header, had answered: one that hung kept the caller until the deadline.
 */
it.each<[string, (ask: () => void) => DependencyOptions['http']]>([
  ['onRequest', (ask) => ({ onRequest: () => new Promise(() => ask()) })],
  [
    'a header',
    (ask) => ({ headers: { 'x-token': () => new Promise(() => ask()) } }),
  ],
])('a signal ends a request for which %s hangs', async (_name, http) => {
  let isAsked = false;
  const dependency = createDependency('payments', {
    hosts: ['http://own.example'],
    timeoutMs: 20_000,
    retry: false,
    http: http(() => (isAsked = true)),
  });
  const controller = new AbortController();
  const { signal } = controller;
  const sent = dependency.execute((call) => call.http.get('/x', { signal }));
  const outcome = sent.catch((error: unknown) => error);
  await until(() => isAsked);

  const startedMs = performance.now();
  controller.abort();

  expect(axios.isCancel(await outcome)).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  await dependency.close();
});
