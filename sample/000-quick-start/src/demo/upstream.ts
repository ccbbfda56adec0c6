import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service somewhere else: an HTTP server of its own, which may die and come back. */
export class Upstream {
  private server: Server | undefined;
  private port = 0;

  constructor(private readonly listener: RequestListener) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isAlive(): boolean {
    return this.server !== undefined;
  }

  /** Listens; after the first time on the same port again. */
  start(): Promise<void> {
    if (this.server !== undefined) return Promise.resolve();
    const server = createServer(this.listener);
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => {
        this.port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Dies: takes no more connections and tears those it has. */
  stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    return new Promise((resolve) => {
      if (server === undefined) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}
