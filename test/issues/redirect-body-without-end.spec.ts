import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, expect, it } from 'vitest';
import { Upstream, echo } from '../support/http-upstream.js';
import type { Route } from '../support/http-upstream.js';

/** Nobody reads what a redirect says beside where to: it must not keep us from going there. */
const redirects: Record<string, Route> = {
  'never ends': (_asked, response) => {
    response.writeHead(302, { location: '/to' });
    response.write('moved');
  },
  'breaks off': (_asked, response) => {
    response.writeHead(302, { location: '/to', 'content-length': '99' });
    response.write('moved', () => response.socket?.destroy());
  },
  'is longer than anybody reads': (_asked, response) => {
    response.writeHead(302, { location: '/to' });
    response.end('x'.repeat(1_000_000));
  },
};

let upstream: Upstream;
let dependency: Dependency;

afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

it.each(Object.entries(redirects))(
  'a redirect whose body %s is followed',
  async (_name, redirect) => {
    upstream = await Upstream.start((asked, response) => {
      (asked.url === '/from' ? redirect : echo)(asked, response);
    });
    dependency = createDependency('payments', {
      hosts: [upstream.origin],
      timeoutMs: 3_000,
      retry: false,
    });
    const { data } = await dependency.http.get('/from');
    expect(data).toMatchObject({ method: 'GET', url: '/to' });
    expect(upstream.requests).toHaveLength(2);
  },
);
