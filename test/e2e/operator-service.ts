/**
 * A microservice over TCP that dies and comes back on the same port, with a ledger of what ran, and
 * an app that asks it through a `ClientProxy`.
 */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  type INestMicroservice,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxy,
  ClientsModule,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import type { Server, Socket } from 'node:net';
import { from, NEVER, Observable, of } from 'rxjs';
import {
  DaceModule,
  FaultTolerant,
  faultTolerant,
  InjectDependency,
  type Clock,
  type Dependency,
  type DependencyOptions,
  type StreamOptions,
} from 'nestjs-dace';

/** How often each handler ran, over all lives of the service. */
class Ledger {
  private readonly runs = new Map<string, number>();

  note(pattern: string): void {
    this.runs.set(pattern, this.of(pattern) + 1);
  }

  of(pattern: string): number {
    return this.runs.get(pattern) ?? 0;
  }
}

let ledger: Ledger;

@Controller()
class Inventory {
  @MessagePattern('left')
  left(@Payload() sku: string) {
    ledger.note('left');
    return { sku, left: 3 };
  }

  @MessagePattern('stream')
  stream() {
    ledger.note('stream');
    return from([1, 2, 3]);
  }

  @MessagePattern('hang')
  hang() {
    ledger.note('hang');
    return NEVER;
  }

  /** Answers from its second run on. */
  @MessagePattern('second')
  second() {
    ledger.note('second');
    return ledger.of('second') > 1 ? of('answer') : NEVER;
  }

  /** Its own database is not there; what it has done before is done. */
  @MessagePattern('charge')
  charge() {
    ledger.note('charge');
    throw new RpcException(
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.9:5432'), {
        code: 'ECONNREFUSED',
        syscall: 'connect',
      }),
    );
  }

  @EventPattern('sold')
  sold(@Payload() _sku: string) {
    ledger.note('sold');
  }

  @MessagePattern('throw')
  fail() {
    ledger.note('throw');
    throw new Error('secret detail');
  }

  @MessagePattern('text')
  text() {
    ledger.note('text');
    throw new RpcException('out of stock');
  }

  @MessagePattern('missing')
  missing() {
    ledger.note('missing');
    throw new RpcException({ status: 404, message: 'no such sku' });
  }

  @MessagePattern('busy')
  busy() {
    ledger.note('busy');
    throw new RpcException({ statusCode: 503, message: 'come back later' });
  }

  @MessagePattern('http')
  http() {
    ledger.note('http');
    throw new NotFoundException();
  }
}

@Module({ controllers: [Inventory] })
class InventoryModule {}

/** Below the ports that systems hand out, so that nobody else listens there while it is dead. */
let nextPort = 10_000 + (process.pid % 20_000);

export class InventoryService {
  readonly ledger = new Ledger();
  private app: INestMicroservice | undefined;
  private readonly sockets = new Set<Socket>();
  /** Connections that came about, over all lives. */
  connections = 0;

  private constructor(readonly port: number) {}

  static async start(): Promise<InventoryService> {
    for (;;) {
      const service = new InventoryService((nextPort += 1));
      try {
        await service.live();
        return service;
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  async live(): Promise<void> {
    ledger = this.ledger;
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(
      InventoryModule,
      {
        transport: Transport.TCP,
        options: { host: '127.0.0.1', port: this.port },
        logger: false,
      },
    );
    await app.init();
    const server = app.unwrap<Server>();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      app.listen().then(resolve, reject);
    });
    server.on('connection', (socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.app = app;
  }

  /** Takes no more connections and tears those it has. */
  async die(): Promise<void> {
    const { app } = this;
    this.app = undefined;
    const closed = app?.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** Who asks the service. */
@Injectable()
export class Shop {
  constructor(
    @Inject('INVENTORY') readonly client: ClientProxy,
    @InjectDependency('inventory') readonly inventory: Dependency,
  ) {}

  /** Without protection. */
  bare(pattern: string): Observable<unknown> {
    return this.client.send(pattern, 'apple');
  }

  ask(pattern: string, options?: StreamOptions<unknown>): Observable<unknown> {
    return this.bare(pattern).pipe(faultTolerant(this.inventory, options));
  }

  @FaultTolerant('inventory', { fallback: 'unknown' })
  decorated(sku: string): Observable<unknown> {
    return this.client.send('left', sku);
  }

  unknown(sku: string): unknown {
    return { sku, left: null };
  }
}

@Controller()
class ShopRoutes {
  constructor(private readonly shop: Shop) {}

  @Get('left')
  left() {
    return this.shop.ask('left');
  }

  @Get('left-or-null')
  leftOrNull() {
    return this.shop.ask('left', { fallback: { left: null } });
  }
}

/** An app that asks the service on `port`. */
export const shop = (
  { port }: InventoryService,
  inventory: DependencyOptions,
  clock?: Clock,
): ModuleMetadata => ({
  imports: [
    DaceModule.forRoot({ inventory }, { logger: false, filter: true, clock }),
    ClientsModule.register([
      {
        name: 'INVENTORY',
        transport: Transport.TCP,
        options: { host: '127.0.0.1', port },
      },
    ]),
  ],
  controllers: [ShopRoutes],
  providers: [Shop],
});
