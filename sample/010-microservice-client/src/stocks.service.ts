import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { faultTolerant, InjectDependency, type Dependency } from 'nestjs-dace';
import type { Observable } from 'rxjs';
import { INVENTORY_CLIENT, type Stock } from './inventory-client.js';

/** By the operator: the protection stands where the stream is put together. */
@Injectable()
export class StocksService {
  constructor(
    @Inject(INVENTORY_CLIENT) private readonly client: ClientProxy,
    @InjectDependency('inventory') private readonly inventory: Dependency,
  ) {}

  /** A shop that does not know its stock can still sell. */
  of(sku: string): Observable<Stock> {
    return this.client
      .send<Stock>('stock', { sku })
      .pipe(faultTolerant(this.inventory, { fallback: { sku, left: null } }));
  }
}
