import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export { until } from './until.js';

export type Route = (
  request: IncomingMessage,
  response: ServerResponse,
) => void;

/** A server on loopback that answers as the test says and remembers what it was asked. */
export class Upstream {
  readonly requests: IncomingMessage[] = [];
  /** Requests whose socket closed before they were answered. */
  cut = 0;
  private readonly server: Server;

  private constructor(private route: Route) {
    this.server = createServer((request, response) => {
      this.requests.push(request);
      response.on('close', () => {
        if (!response.writableFinished) this.cut += 1;
      });
      this.route(request, response);
    });
    this.server.keepAliveTimeout = 60_000;
  }

  static async start(route: Route): Promise<Upstream> {
    const upstream = new Upstream(route);
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  answer(route: Route): void {
    this.route = route;
  }

  async connections(): Promise<number> {
    return new Promise((resolve) =>
      this.server.getConnections((_error, count) => resolve(count)),
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Answers with what was asked. */
export const echo: Route = async (request, response) => {
  const body = await textOf(request);
  const { method, url, headers } = request;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers, body }));
};
