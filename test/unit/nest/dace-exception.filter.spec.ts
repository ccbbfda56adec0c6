import 'reflect-metadata';
import { Logger, type ArgumentsHost } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { firstValueFrom, type Observable } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceExceptionFilter,
  DaceTimeoutError,
} from 'nestjs-dace';

const hostOf = (kind: string, ...args: unknown[]): ArgumentsHost => {
  const host = new ExecutionContextHost(args);
  host.setType(kind);
  return host;
};

const open = new DaceCircuitOpenError({
  dependencyId: 'payments',
  retryAfterMs: 1_001,
});
const timeout = (kind: 'operation' | 'queue') =>
  new DaceTimeoutError({ dependencyId: 'payments', timeoutMs: 5, kind });

const silence = (level: 'debug' | 'error') =>
  vi.spyOn(Logger.prototype, level).mockImplementation(() => {});
afterEach(() => vi.restoreAllMocks());

describe('DaceExceptionFilter', () => {
  it.each([
    ['an open circuit', open, 'debug'],
    ['the end of a queue', timeout('queue'), 'debug'],
    ['a timeout', timeout('operation'), 'error'],
    [
      'a mistake',
      new DaceConfigurationError({ dependencyId: 'x', message: 'm' }),
      'error',
    ],
  ] as const)('logs %s once: %s', (_, error, level) => {
    const calls = { debug: silence('debug'), error: silence('error') };

    new DaceExceptionFilter().catch(error, hostOf('http', {}, {}));

    const { debug, error: loud } = calls;
    expect(debug.mock.calls.length + loud.mock.calls.length).toBe(1);
    expect(calls[level]).toHaveBeenCalledOnce();
  });

  it('answers an RPC message with an error Observable', async () => {
    silence('debug');
    const answer = new DaceExceptionFilter().catch(open, hostOf('rpc', {}));

    await expect(firstValueFrom(answer as Observable<unknown>)).rejects.toEqual(
      {
        status: 'error',
        code: 'DACE_CIRCUIT_OPEN',
        message: 'Service Unavailable',
        retryAfterMs: 1_001,
      },
    );
  });

  it('tells socket.io and ws clients of an exception', () => {
    silence('debug');
    const data = {
      status: 'error',
      code: 'DACE_CIRCUIT_OPEN',
      message: 'Service Unavailable',
      retryAfterMs: 1_001,
      cause: { pattern: 'pay', data: 7 },
    };
    const io = { emit: vi.fn(), send: vi.fn(), nsp: {} };
    const acknowledge = vi.fn();
    const ws = { emit: vi.fn(), send: vi.fn() };
    const filter = new DaceExceptionFilter();
    filter.catch(open, hostOf('ws', io, 7, acknowledge, 'pay'));
    filter.catch(open, hostOf('ws', ws, 7, 'pay', 'pay'));

    expect(io.emit).toHaveBeenCalledWith('exception', data);
    expect(io.send).not.toHaveBeenCalled();
    expect(acknowledge).toHaveBeenCalledExactlyOnceWith(data);
    expect(JSON.parse(ws.send.mock.calls[0]![0] as string)).toEqual({
      event: 'exception',
      data,
    });
  });

  it('tells a ws client even of what JSON cannot repeat', () => {
    silence('debug');
    const ws = { send: vi.fn() };
    const host = hostOf('ws', ws, { amount: 1n }, 'pay', 'pay');

    new DaceExceptionFilter().catch(open, host);

    const { data } = JSON.parse(ws.send.mock.calls[0]![0] as string) as {
      data: object;
    };
    expect(data).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(data).not.toHaveProperty('cause');
  });

  it.each([
    ['an open circuit', open, 14, 'Service Unavailable', '1001'],
    ['a timeout', timeout('operation'), 4, 'Gateway Timeout', undefined],
    [
      'a mistake',
      new DaceConfigurationError({ dependencyId: 'x', message: 'm' }),
      13,
      'Internal Server Error',
      undefined,
    ],
  ] as const)(
    'answers a gRPC call with the status of %s',
    async (_what, error, code, text, pushback) => {
      silence('debug');
      silence('error');
      const call = { getPeer: vi.fn(), sendMetadata: vi.fn() };
      const host = hostOf('rpc', {}, new Map(), call);
      const answer = new DaceExceptionFilter().catch(error, host);

      await expect(
        firstValueFrom(answer as Observable<unknown>),
      ).rejects.toEqual({
        code,
        message: text,
        details: text,
        ...(pushback && {
          metadata: new Map([['grpc-retry-pushback-ms', pushback]]),
        }),
      });
    },
  );

  it('throws an error with extensions for GraphQL', () => {
    silence('debug');

    expect(() =>
      new DaceExceptionFilter().catch(open, hostOf('graphql', {})),
    ).toThrow(
      expect.objectContaining({
        message: 'Service Unavailable',
        stack: 'Error: Service Unavailable',
        extensions: { code: 'DACE_CIRCUIT_OPEN', retryAfterMs: 1_001 },
      }),
    );
  });

  it('ends an answer that has begun', () => {
    silence('debug');
    const response = { headersSent: true, end: vi.fn(), setHeader: vi.fn() };

    new DaceExceptionFilter().catch(open, hostOf('http', {}, response));

    expect(response.end).toHaveBeenCalledWith();
    expect(response.setHeader).not.toHaveBeenCalled();
  });
});
