/**
 * Gateways over socket.io and over ws, on both platforms, and clients that talk to them.
 */
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io } from 'socket.io-client';
import { WebSocket } from 'undici';
import { closedAfterwards } from './context-apps.js';
import { platforms, serve, until, type Platform } from './nest-app.js';

interface Message {
  readonly event: string;
  readonly data: any;
}

/** A client of a gateway. */
export interface Peer {
  /** What it was sent, in order. */
  readonly got: Message[];
  send(event: string, data?: unknown): void;
  /** The data of the `nth` message with this event, from 1. */
  told(event: string, nth?: number): Promise<any>;
  close(): void;
}

export interface Gateways {
  readonly adapter: 'socket.io' | 'ws';
  install(app: INestApplication): void;
  connect(url: string): Promise<Peer>;
}

/** For `describe.each(adapters)('… over $adapter', …)`. */
export const adapters: readonly Gateways[] = [
  {
    adapter: 'socket.io',
    install: (app) => app.useWebSocketAdapter(new IoAdapter(app)),
    connect: async (url) => {
      const socket = await connectIo(url);
      return peer({
        send: (event, data) => socket.emit(event, data),
        listen: (heard) =>
          socket.onAny((event: string, data: unknown) => heard(event, data)),
        close: () => socket.disconnect(),
      });
    },
  },
  {
    adapter: 'ws',
    install: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    connect: async (url) => {
      const socket = new WebSocket(url.replace('http', 'ws'));
      const isOpen = new Promise<unknown>((resolve) => {
        socket.addEventListener('open', resolve, { once: true });
      });
      const connected = peer({
        send: (event, data) => socket.send(JSON.stringify({ event, data })),
        listen: (heard) => {
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(String(data)) as Message;
            heard(message.event, message.data);
          });
        },
        close: () => socket.close(),
      });
      await isOpen;
      return connected;
    },
  },
];

/** The same on both platforms. */
export const gateways = platforms.flatMap((on) =>
  adapters.map((over) => ({ ...over, on, platform: on.platform })),
);

/** A client of socket.io itself, for what only it has. */
export async function connectIo(url: string) {
  const socket = io(url, { transports: ['websocket'], reconnection: false });
  closedAfterwards({ close: () => socket.disconnect() });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

/** An app with gateways, and a client that is connected to them. */
export async function serveGateways(
  metadata: ModuleMetadata,
  over: Gateways & { readonly on?: Platform },
) {
  const served = await serve(
    metadata,
    (app) => over.install(app as INestApplication),
    over.on,
  );
  return { ...served, client: await over.connect(served.url) };
}

function peer({
  send,
  listen,
  close,
}: {
  send: Peer['send'];
  listen(heard: (event: string, data: unknown) => void): void;
  close(): void;
}): Peer {
  const got: Message[] = [];
  listen((event, data) => got.push({ event, data }));
  const of = (wanted: string): Message[] =>
    got.filter(({ event }) => event === wanted);
  return closedAfterwards({
    got,
    send,
    close,
    told: async (event: string, nth = 1) => {
      await until(() => of(event).length >= nth);
      return of(event)[nth - 1]!.data;
    },
  });
}
