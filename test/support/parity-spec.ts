import type { AxiosRequestConfig } from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import type { Route } from './http-upstream.js';
import { ParityServer } from './parity-server.js';
import {
  FACES,
  isDifferent,
  type Face,
  exchanged,
  faces,
  plainAxios,
  type Ask,
  type Difference,
  type Exchange,
  type ParityCase,
} from './parity.js';

const MOST_SLOWNESS = 9;

const slowed = (
  config: AxiosRequestConfig,
  slowness: number,
): AxiosRequestConfig =>
  slowness === 1 ? config : { ...config, timeout: config.timeout! * slowness };

const hasCome = (seen: Exchange['seen'], url: string | undefined): boolean =>
  url === undefined || seen.some((request) => request.url === url);

/** Sends each case through axios and through each of our ways, to one server. */
export function compare(
  subject: string,
  cases: readonly ParityCase[],
  routes: Record<string, Route> = {},
): void {
  describe(subject, () => {
    let server: ParityServer;
    let dependency: Dependency;
    let plain: Ask;
    let ours: Record<Face, Ask>;

    beforeAll(async () => {
      server = await ParityServer.start(routes);
      dependency = createDependency('payments', {
        hosts: [`${server.origin}/v1`],
        retry: false,
        circuit: false,
      });
      plain = (config) => plainAxios(`${server.origin}/v1`).request(config);
      ours = faces(dependency);
    });
    afterAll(async () => {
      await dependency.close();
      await server.stop();
    });

    const exchange = (
      ask: Ask,
      one: ParityCase,
      slowness: number,
    ): Promise<Exchange> =>
      exchanged(ask, slowed(one.config(server.origin), slowness), () =>
        server.take(),
      );

    /** A timeout that came before the server had the request shows nothing: more is given to both. */
    const both = async (face: Face, one: ParityCase) => {
      for (let slowness = 1; ; slowness *= 3) {
        const expected = await exchange(plain, one, slowness);
        const actual = await exchange(ours[face], one, slowness);
        const isInTime = [expected, actual].every(({ seen }) =>
          hasCome(seen, one.hangsAt),
        );
        if (isInTime || slowness > MOST_SLOWNESS) return { expected, actual };
      }
    };

    describe.each(FACES)('through %s, as through axios', (face) => {
      const alike = cases.filter((one) => !isDifferent(one, face));
      it.each(alike)('$name', async (one) => {
        const { expected, actual } = await both(face, one);
        expect(actual).toEqual(expected);
      });
    });

    for (const face of FACES) {
      const different = cases.filter((one) => isDifferent(one, face));
      if (different.length > 0)
        describe(`through ${face}, otherwise than through axios`, () => {
          it.each(different)('$name', async (one) => {
            const { axios, ours: own } = one.differs as Difference;
            const { expected, actual } = await both(face, one);
            expect(expected).toMatchObject(axios);
            expect(actual).toMatchObject(own);
            expect(actual).not.toEqual(expected);
          });
        });
    }
  });
}
