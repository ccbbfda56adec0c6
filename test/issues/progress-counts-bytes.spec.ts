import { Readable } from 'node:stream';
import { createDependency } from 'nestjs-dace/core';
import { expect, it } from 'vitest';
import { echo, Upstream } from '../support/http-upstream.js';

/** Of a stream of texts it counted characters: more than one byte may stand for each. */
it('the progress of an upload counts bytes', async () => {
  const upstream = await Upstream.start(echo);
  const dependency = createDependency('payments', { hosts: [upstream.origin] });
  const loaded: number[] = [];
  await dependency.http.post('/x', Readable.from(['é', '€']), {
    onUploadProgress: (event) => loaded.push(event.loaded),
  });
  expect(loaded).toEqual([2, 5]);
  await dependency.close();
  await upstream.stop();
});
