import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { Upstream, type Route } from './http-upstream.js';

/** A request as it stood on the wire. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  /** Names in the case they were sent in, but for those that every client writes its own way. */
  readonly headers: Record<string, string | string[]>;
  readonly body: string;
}

/** Written by the transport itself, each in its own case. */
const FRAMING = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
]);

function headersOf({ rawHeaders }: IncomingMessage): Seen['headers'] {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i] as string;
    const lower = raw.toLowerCase();
    const name = FRAMING.has(lower) ? lower : raw;
    const value = rawHeaders[i + 1] as string;
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat();
  }
  return headers;
}

/** A server that notes all it is sent, body and all, before a route answers. */
export class ParityServer {
  seen: Seen[] = [];

  private constructor(private readonly upstream: Upstream) {}

  /** The route of a path that ends in a known name; `/echo` answers with what was sent. */
  static async start(routes: Record<string, Route>): Promise<ParityServer> {
    const server = new ParityServer(await Upstream.start(() => {}));
    server.upstream.answer((request, response) => {
      const { pathname } = new URL(request.url as string, 'http://any');
      const route = routes[pathname.slice(pathname.lastIndexOf('/') + 1)];
      const chunks: Buffer[] = [];
      request.on('error', () => {});
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const seen: Seen = {
          method: request.method as string,
          url: request.url as string,
          headers: headersOf(request),
          body: Buffer.concat(chunks).toString('latin1'),
        };
        server.seen.push(seen);
        if (route !== undefined) return route(request, response);
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"is":"there"}');
      });
    });
    return server;
  }

  get origin(): string {
    return this.upstream.origin;
  }

  get port(): number {
    return this.upstream.port;
  }

  connections(): Promise<number> {
    return this.upstream.connections();
  }

  /** What came since the last time. */
  take(): Seen[] {
    return this.seen.splice(0);
  }

  stop(): Promise<void> {
    return this.upstream.stop();
  }
}

/** A stream that comes in pieces. */
export const pieces = (...texts: string[]): Readable =>
  Readable.from(texts.map((text) => Buffer.from(text)));
