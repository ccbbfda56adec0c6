/**
 * Starts the inventory, a process of its own, and the shop that asks it; plays the script and ends:
 * exit code 0, or 1 if something that must happen did not.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { readArguments, USAGE } from './arguments.js';
import { InventoryProcess } from './demo/inventory-process.js';
import { Screen } from './demo/screen.js';
import { Script } from './demo/script.js';

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === 'help') {
    console.log(USAGE);
  } else if (typeof wanted === 'string') {
    console.error(`${wanted}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    process.exitCode = (await play(wanted.seconds)) ? 0 : 1;
  }
}

async function play(seconds: number): Promise<boolean> {
  const screen = new Screen(process.stdout);
  const inventory = await InventoryProcess.start();
  try {
    const app = await NestFactory.createApplicationContext(
      AppModule.with(inventory.port),
      { logger: screen },
    );
    try {
      return await app
        .get(Script)
        .play({ inventory, screen, lengthMs: seconds * 1_000 });
    } finally {
      await app.close();
    }
  } finally {
    await inventory.kill();
  }
}

void main();
