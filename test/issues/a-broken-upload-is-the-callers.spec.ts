import { Readable } from 'node:stream';
import { AxiosError } from 'axios';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstream, until } from '../support/http-upstream.js';
import { FACES, faces } from '../support/parity.js';

/**
 * A file that cannot be read, or a download from somebody else that breaks while it is sent on, says
 * nothing about the dependency. It was counted as its failure, and as a connection never made where
 * that was what had gone wrong elsewhere.
 */
let upstream: Upstream;
let dependency: Dependency;

beforeEach(async () => {
  upstream = await Upstream.start((asked) => {
    asked.on('error', () => {});
    asked.resume();
  });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: { attempts: 3 },
  });
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

const coded = (code: string): Error =>
  Object.assign(new Error('of the source'), { code, syscall: 'connect' });

const ERRORS: Record<string, () => Error> = {
  'an error without a code': () => new Error('of the source'),
  'a file that is not there': () => coded('ENOENT'),
  'a connection of its own that was refused': () => coded('ECONNREFUSED'),
  'a connection of its own that broke': () => coded('ECONNRESET'),
  'an answer of its own that broke off': () =>
    new AxiosError('of the source', AxiosError.ERR_BAD_RESPONSE),
};

describe.each(Object.entries(ERRORS))(
  'A body that ends in %s',
  (_name, make) => {
    it.each(FACES)(
      'counts nothing and is not sent again, by %s',
      async (face) => {
        const data = new Readable({ read() {} });
        data.push('a');
        const sent = faces(dependency)[face]({
          url: '/x',
          method: 'put',
          data,
        });
        const outcome = sent.catch((error: unknown) => error);
        await until(() => upstream.requests.length === 1);

        data.destroy(make());

        expect(await outcome).toMatchObject({ message: 'of the source' });
        expect(dependency.snapshot()).toMatchObject({
          window: { calls: 0, failures: 0 },
          totals: { attempts: 1, retries: 0 },
        });
        await until(() => upstream.cut === 1);
      },
    );
  },
);

it('a connection that breaks under a body is the dependency’s', async () => {
  const data = new Readable({ read() {} });
  data.push('a');
  const sent = dependency.http.put('/x', data).catch((error: unknown) => error);
  await until(() => upstream.requests.length === 1);

  upstream.requests[0]?.socket.resetAndDestroy();

  expect(await sent).toMatchObject({ code: 'ECONNRESET' });
  expect(dependency.snapshot().window).toMatchObject({ failures: 1 });
  await until(() => data.destroyed);
});
