import { createDependency, isDaceError } from 'nestjs-dace/core';
import { fetch as undiciFetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstream } from '../support/http-upstream.js';

let own: Upstream;
let stranger: Upstream;

beforeEach(async () => {
  stranger = await Upstream.start((_request, response) => response.end());
  own = await Upstream.start((_request, response) =>
    response.writeHead(302, { location: stranger.origin }).end(),
  );
});
afterEach(async () => {
  await own.stop();
  await stranger.stop();
});

const FETCHES = { 'Node’s fetch': fetch, 'undici’s fetch': undiciFetch };

// It was a failure of the host's: whoever could name a URL could open the circuit.
describe.each(Object.entries(FETCHES))('A stranger, by %s', (_name, ask) => {
  const ways = {
    'a URL': () => stranger.origin,
    'a redirect': () => own.origin,
  };

  it.each(Object.entries(ways))(
    'that %s leads to is refused once, counts nowhere and has no fallback',
    async (_way, url) => {
      const dependency = createDependency('payments', {
        hosts: [own.origin],
        fallback: 'hidden',
      });
      const sent = dependency.execute((call) =>
        (ask as typeof fetch)(url(), { dispatcher: call.agent } as object),
      );
      const error: unknown = await sent.then(String, (thrown) => thrown);

      const { totals, window } = dependency.snapshot();
      await dependency.close();
      expect(isDaceError((error as Error).cause, 'DACE_FOREIGN_HOST')).toBe(
        true,
      );
      expect(totals.attempts).toBe(1);
      expect(window.failures).toBe(0);
      expect(stranger.requests).toHaveLength(0);
    },
  );
});
