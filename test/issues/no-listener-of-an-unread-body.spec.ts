import { getEventListeners } from 'node:events';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Upstream, until } from '../support/http-upstream.js';
import { FACES, faces } from '../support/parity.js';

/**
 * A signal that lives as long as the app is handed to every request. A streamed answer that nobody
 * read kept its listener, and all that hangs on it, though it had come in long ago.
 */
let upstream: Upstream;
let dependency: Dependency;

beforeEach(async () => {
  upstream = await Upstream.start((_asked, response) => response.end('short'));
  dependency = createDependency('payments', { hosts: [upstream.origin] });
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

it.each(FACES)(
  'a body that came in and is not read leaves none, by %s',
  async (face) => {
    const { signal } = new AbortController();
    for (let i = 0; i < 5; i += 1)
      await faces(dependency)[face]({
        url: '/x',
        responseType: 'stream',
        signal,
      });
    await until(() => getEventListeners(signal, 'abort').length === 0);
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0 });
  },
);
