import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Upstream } from '../../support/http-upstream.js';
import { FACES, faces, outcomeOf, plainAxios } from '../../support/parity.js';

const MEGABYTE = 1_048_576;
/** 64 MB of nothing in about 64 kB. */
const BOMB = zlib.gzipSync(Buffer.alloc(64 * MEGABYTE));
const BROTLI_BOMB = zlib.brotliCompressSync(Buffer.alloc(64 * MEGABYTE), {
  params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
});
const packings: Record<string, [coding: string | undefined, body: Buffer]> = {
  '/plain': [undefined, Buffer.alloc(100, 'x')],
  '/gzip': ['gzip', zlib.gzipSync(Buffer.alloc(100, 'x'))],
  '/deflate': ['deflate', zlib.deflateRawSync(Buffer.alloc(100, 'x'))],
  '/br': ['br', zlib.brotliCompressSync(Buffer.alloc(100, 'x'))],
  '/stored': ['gzip', zlib.gzipSync(randomBytes(100), { level: 0 })],
  '/empty': ['gzip', zlib.gzipSync('')],
  '/bomb': ['gzip', BOMB],
  '/br-bomb': ['br', BROTLI_BOMB],
};

let upstream: Upstream;
let dependency: Dependency;

beforeAll(async () => {
  upstream = await Upstream.start((asked, response) => {
    const [coding, body] = packings[asked.url as string]!;
    response.writeHead(200, {
      ...(coding !== undefined && { 'content-encoding': coding }),
    });
    response.end(body);
  });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    circuit: false,
  });
});
afterAll(async () => {
  await dependency.close();
  await upstream.stop();
});

const BOUNDS = [
  -1,
  0,
  1,
  99,
  99.5,
  100,
  100.5,
  2 ** 32,
  2 ** 32 + 1,
  1e12,
  Number.MAX_SAFE_INTEGER,
  Infinity,
];
const PATHS = Object.keys(packings).filter((path) => !path.endsWith('bomb'));

describe.each(FACES)('maxContentLength, as with axios, by %s', (face) => {
  it.each(BOUNDS)('of %d', async (maxContentLength) => {
    for (const url of PATHS) {
      const config = { url, maxContentLength };
      const plain = plainAxios(upstream.origin);
      const expected = await outcomeOf(plain.request(config));
      const actual = await outcomeOf(faces(dependency)[face](config));
      expect(actual).toEqual(expected);
    }
  });

  it.each(['/bomb', '/br-bomb'])(
    'unpacks no more than that of %s',
    async (url) => {
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }, 1);
      const sent = faces(dependency)[face]({
        url,
        maxContentLength: MEGABYTE,
      });
      await expect(sent).rejects.toMatchObject({
        code: 'ERR_BAD_RESPONSE',
        message: `maxContentLength size of ${MEGABYTE} exceeded`,
      });
      clearInterval(watch);
      expect(most).toBeLessThan(16 * MEGABYTE);
    },
  );

  it('unpacks no more than that of a bomb that is streamed', async () => {
    const { data } = await faces(dependency)[face]({
      url: '/bomb',
      responseType: 'stream',
      maxContentLength: MEGABYTE,
    });
    let bytes = 0;
    const read = async () => {
      for await (const chunk of data as Readable)
        bytes += (chunk as Buffer).length;
    };
    await expect(read()).rejects.toMatchObject({
      message: `maxContentLength size of ${MEGABYTE} exceeded`,
    });
    expect(bytes).toBeLessThanOrEqual(MEGABYTE);
  });
});
