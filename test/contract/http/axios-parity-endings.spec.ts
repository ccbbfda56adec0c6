import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FACES, faces, plainAxios } from '../../support/parity.js';
import {
  endingCases,
  endingRoutes,
  lastTold,
  progressCases,
} from '../../support/parity-endings.js';
import { ParityServer } from '../../support/parity-server.js';
import { compare } from '../../support/parity-spec.js';

compare('A request that is ended', endingCases, endingRoutes);

describe('Of progress the last event tells the same', () => {
  let server: ParityServer;
  let dependency: Dependency;

  beforeAll(async () => {
    server = await ParityServer.start(endingRoutes);
    dependency = createDependency('payments', { hosts: [server.origin] });
  });
  afterAll(async () => {
    await dependency.close();
    await server.stop();
  });

  describe.each(FACES)('through %s', (face) => {
    it.each(progressCases)('of $name', async (one) => {
      const plain = plainAxios(server.origin);
      const expected = await lastTold(one, (config) => plain.request(config));
      const actual = await lastTold(one, faces(dependency)[face]);
      expect(expected).toHaveProperty('loaded');
      expect(actual).toEqual(expected);
    });
  });
});
