import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { freePort } from './free-port.js';

/** A server that may die, and come back on the same port. */
export class Host {
  /** Method and path of every request that has arrived. */
  readonly requests: string[] = [];
  answer: RequestListener = (_request, response) => response.end();
  private readonly readers = new Set<Socket>();
  private server: Server | undefined;

  private constructor(private readonly port: number) {}

  static async start(): Promise<Host> {
    const host = new Host(await freePort());
    await host.revive();
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get netloc(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections of the app that are open: of those that said who they are. */
  get connections(): number {
    return this.readers.size;
  }

  async revive(): Promise<void> {
    const server = createServer((request, response) => {
      const { method, url, socket, headers } = request;
      this.requests.push(`${method} ${url}`);
      if (headers['x-reader'] !== undefined) this.know(socket);
      this.answer(request, response);
    });
    this.server = server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** Takes no more connections and tears those it has. */
  async die(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  private know(socket: Socket): void {
    if (this.readers.has(socket)) return;
    this.readers.add(socket);
    socket.once('close', () => this.readers.delete(socket));
  }
}
