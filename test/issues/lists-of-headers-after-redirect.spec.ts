import { createDependency } from 'nestjs-dace/core';
import { expect, it } from 'vitest';
import { Upstream, echo } from '../support/http-upstream.js';
import { plainAxios } from '../support/parity.js';

/** To be asked before a redirect changed what followed: of a list of values the last one was left. */
it('beforeRedirect sees, and leaves, every value of a header', async () => {
  const upstream = await Upstream.start((asked, response) => {
    if (asked.url === '/from')
      response.writeHead(302, { location: '/to' }).end();
    else echo(asked, response);
  });
  const dependency = createDependency('payments', { hosts: [upstream.origin] });
  const seen: unknown[] = [];
  const config = {
    headers: { 'x-many': ['1', '2'] as never },
    beforeRedirect: (options: Record<string, any>) => {
      seen.push(options['headers']['x-many']);
    },
  };
  const expected = await plainAxios(upstream.origin).get('/from', config);
  const actual = await dependency.http.get<typeof expected.data>(
    '/from',
    config,
  );
  expect(actual.data.headers['x-many']).toBe('1, 2');
  expect(expected.data.headers['x-many']).toBe('1, 2');
  expect(seen).toEqual([
    ['1', '2'],
    ['1', '2'],
  ]);
  await dependency.close();
  await upstream.stop();
});
