/**
 * Starts the upstreams, the app, and a little traffic; with `--seconds` plays a scenario and ends.
 */
import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { readArguments, USAGE, type Arguments } from './arguments.js';
import { freePort } from './demo/free-port.js';
import { introduction, invitation } from './demo/greeting.js';
import { LiveLine } from './demo/live-line.js';
import { Scenario } from './demo/scenario.js';
import { Screen } from './demo/screen.js';
import { Traffic } from './demo/traffic.js';
import { Upstreams } from './demo/upstreams.js';

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === 'help') {
    console.log(USAGE);
  } else if (typeof wanted === 'string') {
    console.error(`${wanted}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    await run(wanted);
  }
}

async function run({ port, seconds }: Arguments): Promise<void> {
  const screen = new Screen(process.stdout);
  const upstreams = await Upstreams.start();
  const app = await NestFactory.create(AppModule.with(upstreams, screen), {
    logger: screen,
    // A browser keeps connections open; nobody waits for them at the end.
    forceCloseConnections: true,
  });
  // Ctrl-C: finish what runs, close everything, exit with 0.
  app.enableShutdownHooks([], { useProcessExit: true });

  const url = await listen(app, port, screen);
  screen.print(introduction(url, upstreams));
  if (seconds === undefined) screen.print(invitation(url));
  app.get(Traffic).start(url);
  app.get(LiveLine).start();

  if (seconds === undefined) return;
  const isAsExpected = await app.get(Scenario).play(url, seconds);
  await app.close();
  if (!isAsExpected) process.exitCode = 1;
}

async function listen(
  app: INestApplication,
  wantedPort: number,
  screen: Screen,
): Promise<string> {
  const port = await freePort(wantedPort);
  if (wantedPort !== 0 && port !== wantedPort)
    screen.print(`Port ${wantedPort} is not free: using ${port}.`);
  await app.listen(port, '127.0.0.1');
  return `http://127.0.0.1:${port}`;
}

void main();
