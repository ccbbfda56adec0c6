import { Controller } from '@nestjs/common';
import {
  Ctx,
  MessagePattern,
  Payload,
  RpcException,
  TcpContext,
} from '@nestjs/microservices';
import { of, throwError, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { allOf, serveTcp, silent } from './context-apps.js';

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});
const ran = (name: string): string => {
  bodies.push(name);
  return name;
};

@Controller()
class Messages {
  @MessagePattern('value')
  @FaultTolerant('payments')
  async value(@Payload() data: { n: number }) {
    return `${ran('value')} ${data.n}`;
  }

  @FaultTolerant('payments')
  @MessagePattern('context')
  async context(
    @Ctx() context: TcpContext,
    @DaceCall() call: Call = Call.injected,
  ) {
    return [ran('context'), context.getPattern(), call.attempt];
  }

  @MessagePattern('undecorated')
  @FaultTolerant('payments')
  async undecorated(data: string) {
    return [ran('undecorated'), data];
  }

  @MessagePattern('typed')
  @FaultTolerant('payments')
  typed(): Observable<string> {
    ran('typed');
    return of('a', 'b', 'c');
  }

  @MessagePattern('bare')
  @FaultTolerant('payments')
  bare() {
    ran('bare');
    return of('a', 'b', 'c');
  }

  @MessagePattern('promised')
  @FaultTolerant('payments', { observable: true })
  async promised() {
    ran('promised');
    return of('a', 'b', 'c');
  }

  @MessagePattern('retried')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async retried() {
    ran('retried');
    if (bodies.length < 3) throw new Error('not yet');
    return 'third';
  }

  @MessagePattern('fallback')
  @FaultTolerant('payments', { fallback: 'spare' })
  async fallback(
    @Payload() data: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<string> {
    throw new Error(`${ran('fallback')} ${data} ${call.attempt}`);
  }
  spare(data: string, error: Error) {
    return `spare of ${data} for ${error.message}`;
  }

  @MessagePattern('exception')
  @FaultTolerant('payments')
  async exception() {
    ran('exception');
    throw new RpcException({ status: 'error', reason: 'not today' });
  }

  @MessagePattern('spare-stream')
  @FaultTolerant('payments', { fallback: 'spareValues' })
  spareStream(): Observable<string> {
    ran('spare-stream');
    return throwError(() => new Error('down'));
  }
  spareValues() {
    return of('x', 'y');
  }
}

describe('A decorated message handler over TCP', () => {
  const start = () =>
    serveTcp({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Messages],
    });

  it.each([
    ['value', { n: 7 }, 'value 7'],
    ['context', {}, ['context', 'context', 1]],
    ['undecorated', 'x', ['undecorated', 'x']],
  ])('answers %s, having run once', async (pattern, data, answer) => {
    const { ask, snapshot } = await start();

    expect(await ask(pattern, data)).toEqual(answer);

    expect(bodies).toEqual([pattern]);
    expect(snapshot().totals).toMatchObject({
      started: 1,
      attempts: 1,
      succeeded: 1,
    });
  });

  it.each(['typed', 'bare', 'promised'])(
    'answers all values of an Observable (%s) in one operation',
    async (pattern) => {
      const { client, snapshot } = await start();

      expect(await allOf(client.send(pattern, {}))).toEqual(['a', 'b', 'c']);

      expect(bodies).toEqual([pattern]);
      expect(snapshot()).toMatchObject({
        inFlight: 0,
        totals: { started: 1, attempts: 1, succeeded: 1 },
      });
    },
  );

  it('is tried again without a second message', async () => {
    const { ask, snapshot } = await start();

    expect(await ask('retried')).toBe('third');

    expect(snapshot().totals).toMatchObject({
      started: 1,
      attempts: 3,
      retries: 2,
      succeeded: 1,
    });
  });

  it('falls back on a method of its controller', async () => {
    const { ask, client, snapshot } = await start();

    expect(await ask('fallback', 'x')).toBe('spare of x for fallback x 1');
    expect(await allOf(client.send('spare-stream', {}))).toEqual(['x', 'y']);

    expect(bodies).toEqual(['fallback', 'spare-stream']);
    expect(snapshot().totals).toMatchObject({
      started: 2,
      failed: 2,
      fallbacks: 2,
    });
  });
});

describe('An RpcException of a decorated message handler', () => {
  it('counts, and reaches the caller as it is', async () => {
    const { ask, snapshot } = await serveTcp({
      imports: [
        DaceModule.forRoot({ payments: {} }, { ...silent, filter: true }),
      ],
      controllers: [Messages],
    });

    expect(await errorOf(ask('exception'))).toEqual({
      status: 'error',
      reason: 'not today',
    });

    expect(bodies).toEqual(['exception']);
    expect(snapshot().totals).toMatchObject({ started: 1, failed: 1 });
  });
});
