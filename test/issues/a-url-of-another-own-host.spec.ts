import axios from 'axios';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faces } from '../support/parity.js';
import { Upstream, echo } from '../support/http-upstream.js';

let good: Upstream;
let bad: Upstream;
let dependency: Dependency;

beforeEach(async () => {
  good = await Upstream.start(echo);
  bad = await Upstream.start((_request, response) => {
    response.writeHead(500).end();
  });
  dependency = createDependency('payments', {
    hosts: [`${good.origin}/v1`, `${bad.origin}/v1`],
    loadBalancer: 'round-robin',
    retry: false,
  });
});
afterEach(async () => {
  await dependency.close();
  await good.stop();
  await bad.stop();
});

const failures = (upstream: Upstream): number | undefined =>
  dependency
    .snapshot()
    .hosts.find(({ netloc }) => netloc.endsWith(`:${upstream.port}`))?.window
    .failures;

// Its failures were once those of whichever host had been picked.
describe.each(['dependency.http', 'the drop-in'] as const)(
  'A URL that names one of several hosts, by %s',
  (face) => {
    const fail = async (
      send: () => Promise<unknown>,
      times: number,
    ): Promise<void> => {
      for (let i = 0; i < times; i += 1)
        await expect(send()).rejects.toMatchObject({ status: 500 });
    };

    it('is judged as that host', async () => {
      const send = faces(dependency)[face];
      await fail(() => send({ url: `${bad.origin}/v1/x` }), 4);
      expect(failures(good)).toBe(0);
      expect(failures(bad)).toBe(4);
    });

    it('is judged as that host where the base names it', async () => {
      const send = faces(dependency)[face];
      await fail(() => send({ url: 'x', baseURL: `${bad.origin}/v1` }), 4);
      expect(failures(good)).toBe(0);
      expect(failures(bad)).toBe(4);
    });

    it('is refused while that host is out', async () => {
      const send = faces(dependency)[face];
      dependency.control('forced-open', `127.0.0.1:${bad.port}`);
      await expect(send({ url: `${bad.origin}/v1/x` })).rejects.toMatchObject({
        code: 'DACE_CIRCUIT_OPEN',
      });
      expect((await send({ url: '/x' })).status).toBe(200);
    });
  },
);

it('a URL of a path that looks like a host is nobody’s', async () => {
  const dropIn = dependency.dropIn({
    enclosing: () => undefined,
    library: axios,
  });
  dependency.control('forced-open', `127.0.0.1:${bad.port}`);
  const { data } = await dropIn.get<{ url: string }>(`${bad.origin}/x`, {
    allowAbsoluteUrls: false,
  });
  expect(data.url).toBe(`/v1/${bad.origin}/x`);
});
