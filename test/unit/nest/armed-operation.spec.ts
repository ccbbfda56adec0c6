import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { isObservable, lastValueFrom, Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { ArmedOperation } from '../../../lib/nest/armed-operation.js';
import type { Client } from '../../../lib/nest/client.js';
import { enterRequest } from '../../../lib/nest/frames.js';
import { protectedMethodOf } from '../../../lib/nest/protected-method.js';

@Injectable()
class Handlers {
  @FaultTolerant('payments')
  async promise(): Promise<string> {
    return 'answer';
  }

  @FaultTolerant('payments', { fallback: () => 'answer' })
  async failing(): Promise<string> {
    throw new Error('down');
  }

  @FaultTolerant('payments')
  stream(): Observable<string> {
    return of('first', 'answer');
  }

  @FaultTolerant('payments')
  async promisedStream(): Promise<any> {
    return of('first', 'answer');
  }
}
const names = ['promise', 'failing', 'stream', 'promisedStream'] as const;

describe('What an interceptor has armed', () => {
  let app: TestingModule;
  /** Who waits for the client to leave. */
  const waiting = new Set<() => void>();
  const client: Client = {
    isReadOnly: true,
    isAnswered: () => false,
    isGone: () => false,
    onGone: (gone) => {
      waiting.add(gone);
      return () => waiting.delete(gone);
    },
    retryAfter: () => {},
  };
  const ask = async (name: (typeof names)[number]): Promise<unknown> => {
    const answer = await app.get(Handlers)[name]();
    return isObservable(answer) ? lastValueFrom(answer) : answer;
  };
  const arm = (name: (typeof names)[number]) =>
    new ArmedOperation(protectedMethodOf(Handlers.prototype[name])!, client);

  beforeEach(async () => {
    waiting.clear();
    app = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot({ payments: { circuit: false } }, { logger: false }),
      ],
      providers: [Handlers],
    }).compile();
    await app.init();
  });
  afterEach(() => app.close());

  it.each(names)(
    'serves an interceptor that asks for ever, and keeps nothing of it (%s)',
    async (name) => {
      const armed = arm(name);

      await enterRequest(armed, async () => {
        for (let round = 0; round < 50; round += 1)
          expect(await ask(name)).toBe('answer');
      });

      expect(app.get(DaceRegistry).get('payments').snapshot()).toMatchObject({
        totals: { started: 50 },
      });
      expect(waiting.size).toBe(1);
      armed.unsubscribe();
      expect(waiting.size).toBe(0);
    },
  );

  it.each(names.slice(0, 3))(
    'is nothing to who asks when the chain has ended (%s)',
    async (name) => {
      const armed = arm(name);

      await enterRequest(armed, async () => {
        armed.unsubscribe();
        expect(await ask(name)).toBe('answer');
      });

      expect(waiting.size).toBe(0);
    },
  );

  it('is for no other method', async () => {
    const armed = arm('promise');

    await enterRequest(armed, () => ask('failing'));

    expect(waiting.size).toBe(0);
  });
});
