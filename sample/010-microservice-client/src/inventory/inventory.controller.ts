import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Reservation, Stock } from '../inventory-client.js';

interface Item {
  readonly sku: string;
}

@Controller()
export class InventoryController {
  private reserved = 0;

  @MessagePattern('stock')
  stock(@Payload() { sku }: Item): Stock {
    return { sku, left: 1_000 - this.reserved };
  }

  @MessagePattern('reserve')
  reserve(@Payload() { sku }: Item): Reservation {
    this.reserved += 1;
    return { sku, heldBy: process.pid };
  }

  /** How many this process holds. */
  @MessagePattern('audit')
  audit(): number {
    return this.reserved;
  }
}
