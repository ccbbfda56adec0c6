import 'reflect-metadata';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { clientOf } from '../../../lib/nest/client.js';

const contextOf = (kind: string, ...args: unknown[]) => {
  const context = new ExecutionContextHost(args);
  context.setType(kind);
  return context as never;
};

const emitter = (state: object = {}) =>
  Object.assign(new EventEmitter(), state);

describe('The client', () => {
  it.each([
    ['GET', true],
    ['HEAD', true],
    ['OPTIONS', true],
    ['POST', false],
    ['DELETE', false],
  ])('of a %s only reads: %s', (method, isReadOnly) => {
    const client = clientOf(contextOf('http', { method }, emitter()));

    expect(client?.isReadOnly).toBe(isReadOnly);
  });

  it('is behind Fastify’s reply as it is behind Express’ response', () => {
    const raw = emitter({ headersSent: true });
    const gone = vi.fn();
    const client = clientOf(contextOf('http', {}, { raw }))!;
    client.onGone(gone);

    raw.emit('close');

    expect(client.isAnswered()).toBe(true);
    expect(gone).toHaveBeenCalledOnce();
  });

  it.each([[{ destroyed: true }], [{ closed: true }]])(
    'was gone before we looked: %j',
    (state) => {
      const gone = vi.fn();
      clientOf(contextOf('http', {}, emitter(state)))!.onGone(gone);

      expect(gone).toHaveBeenCalledOnce();
    },
  );

  it('has not gone when its answer had ended', () => {
    const gone = vi.fn();
    const ended = emitter({ writableEnded: true });
    clientOf(contextOf('http', {}, ended))!.onGone(gone);
    ended.emit('close');
    const closed = emitter({ writableEnded: true, closed: true });
    clientOf(contextOf('http', {}, closed))!.onGone(gone);

    expect(gone).not.toHaveBeenCalled();
  });

  it('is listened to once, however many wait for it', () => {
    const raw = emitter();
    const client = clientOf(contextOf('http', {}, raw))!;
    const gone = vi.fn();
    const stops = Array.from({ length: 20 }, () => client.onGone(() => gone()));
    const other = clientOf(contextOf('http', {}, raw))!;
    other.onGone(() => gone());

    expect(raw.listenerCount('close')).toBe(1);
    stops[0]!();
    raw.emit('close');
    for (const stop of stops) stop();

    expect(gone).toHaveBeenCalledTimes(20);
  });

  it('leaves no listener behind', () => {
    const raw = emitter();
    const stop = clientOf(contextOf('http', {}, raw))!.onGone(() => {});
    expect(raw.listenerCount('close')).toBe(1);

    stop();

    expect(raw.listenerCount('close')).toBe(0);
  });

  it.each([
    ['a WebSocket', 'close', { readyState: 1 }],
    ['socket.io', 'disconnect', { disconnected: false }],
  ])('of %s goes with its socket', (_, event, state) => {
    const socket = emitter(state);
    const gone = vi.fn();
    const client = clientOf(contextOf('ws', socket, {}))!;
    const stop = client.onGone(gone);
    socket.emit(event);

    stop();

    expect(gone).toHaveBeenCalledOnce();
    expect(client.isReadOnly).toBe(false);
    expect(socket.listenerCount('close')).toBe(0);
  });

  it.each([[{ readyState: 2 }], [{ readyState: 3 }], [{ disconnected: true }]])(
    'of a socket may be gone already: %j',
    (state) => {
      const gone = vi.fn();
      clientOf(contextOf('ws', emitter(state)))!.onGone(gone);

      expect(gone).toHaveBeenCalledOnce();
    },
  );

  it('of a TCP message goes with its socket', () => {
    const socket = emitter();
    const gone = vi.fn();
    const transport = { getSocketRef: () => ({ socket }) };
    clientOf(contextOf('rpc', {}, transport))!.onGone(gone);

    socket.emit('close');

    expect(gone).toHaveBeenCalledOnce();
  });

  it('of a gRPC call goes with it', () => {
    const call = Object.assign(emitter(), {
      getPeer: () => '',
      sendMetadata: () => {},
    });
    const gone = vi.fn();
    const stop = clientOf(contextOf('rpc', {}, {}, call))!.onGone(gone);
    call.emit('cancelled');
    stop();
    expect(gone).toHaveBeenCalledOnce();
    expect(call.eventNames()).toEqual([]);

    const late = vi.fn();
    const cancelled = Object.assign(call, { cancelled: true });
    clientOf(contextOf('rpc', {}, {}, cancelled))!.onGone(late);
    expect(late).toHaveBeenCalledOnce();
  });

  it('of GraphQL is that of its request, and its headers are not ours', () => {
    const res = emitter({ setHeader: vi.fn() });
    const gone = vi.fn();
    const context = contextOf('graphql', {}, {}, { req: { res } }, {});
    const client = clientOf(context)!;
    client.onGone(gone);
    client.retryAfter(1);
    res.emit('close');

    expect(gone).toHaveBeenCalledOnce();
    expect((res as any).setHeader).not.toHaveBeenCalled();
  });

  it.each([
    ['rpc', {}, undefined],
    ['rpc', {}, { getPattern: () => 'x' }],
    ['ws', {}],
    ['graphql', {}, {}, {}, {}],
    ['http', {}, undefined],
    ['telegram', {}],
  ])('of %s may be nobody we know', (kind, ...args) => {
    expect(clientOf(contextOf(kind, ...args))).toBeUndefined();
  });
});
