/**
 * The app: a shop that depends on the inventory, a microservice over TCP.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { consecutiveFailures, DaceModule } from 'nestjs-dace';
import { INVENTORY_CLIENT } from './inventory-client.js';
import { Script } from './demo/script.js';
import { Shoppers } from './demo/shoppers.js';
import { ReservationsService } from './reservations.service.js';
import { StocksService } from './stocks.service.js';

@Module({ providers: [ReservationsService, StocksService, Shoppers, Script] })
export class AppModule {
  /** An app of yours has a fixed port, and all this stands in `imports` above. */
  static with(port: number): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DaceModule.forRoot({
          inventory: {
            timeoutMs: 500,
            // A client keeps a failed connection until its socket has closed: wait for that.
            retry: { attempts: 2, backoff: { delayMs: 20 } },
            circuit: { trip: consecutiveFailures(5), resetTimeoutMs: 400 },
          },
        }),
        ClientsModule.register([
          {
            name: INVENTORY_CLIENT,
            transport: Transport.TCP,
            options: { host: '127.0.0.1', port },
          },
        ]),
      ],
    };
  }
}
