/**
 * Opens the library, two servers in this process, and the reading room that asks it; plays the
 * script and ends: exit code 0, or 1 if something that must happen did not.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { readArguments, USAGE } from './arguments.js';
import type { Check } from './demo/check.js';
import { Library } from './demo/library.js';
import { Screen } from './demo/screen.js';
import { Script } from './demo/script.js';
import { within } from './demo/within.js';

/** How soon after the app nothing of it is left. */
const GONE_MS = 500;

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === 'help') {
    console.log(USAGE);
  } else if (wanted === 'play') {
    process.exitCode = (await show()) ? 0 : 1;
  } else {
    console.error(`${wanted}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}

/** Whether all that must happen did. */
async function show(): Promise<boolean> {
  const screen = new Screen(process.stdout);
  const library = await Library.open();
  try {
    const checks = await play(library, screen);
    screen.print('');
    for (const { what, isMet } of checks)
      screen.print(`${isMet ? 'ok  ' : 'FAIL'} ${what}`);
    return checks.every(({ isMet }) => isMet);
  } finally {
    await library.close();
  }
}

async function play(library: Library, screen: Screen): Promise<Check[]> {
  const hosts = library.hosts.map(({ url }) => url);
  const app = await NestFactory.createApplicationContext(
    AppModule.with(hosts),
    { logger: screen },
  );
  let before = 0;
  const checks: Check[] = [];
  try {
    const tell = screen.tell.bind(screen);
    checks.push(...(await app.get(Script).play(library, tell)));
    before = library.connections;
  } finally {
    screen.tell('> the app closes');
    await app.close();
  }
  const isGone = await within(GONE_MS, () => library.connections === 0);
  const what = `closed, the app left no connection (${before} before, ${library.connections} after)`;
  return [...checks, { what, isMet: before > 0 && isGone }];
}

void main();
