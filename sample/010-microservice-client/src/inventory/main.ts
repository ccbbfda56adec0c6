/** The inventory: a microservice over TCP, in a process of its own. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { InventoryModule } from './inventory.module.js';

async function main(): Promise<void> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    InventoryModule,
    {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: Number(process.argv[2]) },
      logger: false,
    },
  );
  await app.listen();
  // Who has started it waits for this, and does not leave it behind.
  process.send?.('listening');
  process.on('disconnect', () => process.exit());
}

void main();
