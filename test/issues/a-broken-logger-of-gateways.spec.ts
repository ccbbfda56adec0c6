import { Logger } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { afterEach, expect, it } from 'vitest';
import { DaceError, DaceShutdownError } from 'nestjs-dace/core';
import { answerOfHook } from '../../lib/nest/gateway-hooks.js';

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

afterEach(() => {
  Logger.overrideLogger(false);
  process.off('unhandledRejection', note);
});

@WebSocketGateway()
class Gateway {}

/** Nobody awaits the answer of a gateway's hook: what its logger threw ended the process. */
it('a refused hook of a gateway outlives a logger that throws', async () => {
  process.on('unhandledRejection', note);
  let told = 0;
  const broken = (): never => {
    told += 1;
    throw new Error('of the logger');
  };
  Logger.overrideLogger({
    log: broken,
    warn: broken,
    error: broken,
    debug: broken,
  });
  const refused = Promise.reject(new DaceShutdownError({ dependencyId: 'x' }));
  expect(answerOfHook(new Gateway(), refused)).toBe(refused);
  await expect(refused).rejects.toBeInstanceOf(DaceError);
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toBe(1);
  expect(unhandled).toEqual([]);
});
