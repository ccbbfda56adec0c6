import { createDependency } from 'nestjs-dace/core';
import { fetch as undiciFetch, request } from 'undici';
import { expect, it } from 'vitest';
import { Upstream, until } from '../support/http-upstream.js';

/**
 * A request of the agent for which the function of a header hung was never settled, not even at the
 * end of its attempt: the permit of the attempt stayed away for `abandonAfterMs`.
 */
it.each<[string, (url: string, dispatcher: never) => Promise<unknown>]>([
  ['request', (url: string, dispatcher: never) => request(url, { dispatcher })],
  [
    'fetch',
    (url: string, dispatcher: never) => undiciFetch(url, { dispatcher }),
  ],
])('a %s that waits for a header ends with its attempt', async (_way, send) => {
  const upstream = await Upstream.start((_asked, response) => response.end());
  let give: (value: string) => void = () => {};
  const dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    http: {
      headers: { 'x-token': () => new Promise((resolve) => (give = resolve)) },
    },
  });
  const settled: string[] = [];
  const sent = dependency.execute(
    (call) => {
      const answer = send(`${upstream.origin}/x`, call.agent as never);
      return answer.finally(() => settled.push('the request'));
    },
    { timeoutMs: 50 },
  );

  await expect(sent).rejects.toMatchObject({ code: 'DACE_TIMEOUT' });
  await until(() => settled.length === 1);
  expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });

  give('too late');
  await dependency.close();
  expect(upstream.requests).toHaveLength(0);
  await upstream.stop();
});
