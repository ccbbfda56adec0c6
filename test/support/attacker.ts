import { once } from 'node:events';
import {
  createServer,
  connect,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { until } from './until.js';

/** Somebody else's server, which counts whoever comes and every byte they bring. */
export class Attacker {
  connections = 0;
  bytes = 0;
  private readonly open = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Attacker> {
    const server = createServer();
    const attacker = new Attacker(server);
    server.on('connection', (socket) => {
      attacker.connections += 1;
      attacker.open.add(socket);
      socket.on('close', () => attacker.open.delete(socket));
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        attacker.bytes += chunk.length;
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      });
    });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    return attacker;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What it got, once everybody who knocked before has been let in. */
  async spoils(): Promise<{ connections: number; bytes: number }> {
    const before = this.connections;
    const last = connect(this.port, '127.0.0.1');
    await once(last, 'connect');
    await until(() => this.connections > before);
    last.destroy();
    this.connections -= 1;
    return { connections: this.connections, bytes: this.bytes };
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.open) socket.destroy();
    await once(this.server, 'close');
  }
}
