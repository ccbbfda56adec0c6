import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { FaultTolerant } from 'nestjs-dace';
import { Observable } from 'rxjs';
import { INVENTORY_CLIENT, type Reservation } from './inventory-client.js';

/** By the decorator: every call of the method is protected, whoever makes it. */
@Injectable()
export class ReservationsService {
  constructor(@Inject(INVENTORY_CLIENT) private readonly client: ClientProxy) {}

  /** No fallback: what is not reserved must not be sold. */
  @FaultTolerant('inventory')
  make(sku: string): Observable<Reservation> {
    return this.client.send<Reservation>('reserve', { sku });
  }
}
