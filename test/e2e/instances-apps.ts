/**
 * Apps that count: every protected body leaves a line in the ledger of the app that it ran in, so a
 * test sees whether it ran once, and in the right app.
 */
import {
  Global,
  Injectable,
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { DaceModule, DaceRegistry } from 'nestjs-dace';
import { serve, type Platform } from './nest-app.js';

/** What ran in one app, in order. */
@Injectable()
export class Ledger {
  readonly lines: string[] = [];

  /** Answers the line, for the body to return. */
  enter(line: string): string {
    this.lines.push(line);
    return line;
  }
}

@Global()
@Module({ providers: [Ledger], exports: [Ledger] })
export class LedgerModule {}

/** What every app here imports: the dependency "payments", and a ledger. */
export const counting = (): (DynamicModule | typeof LedgerModule)[] => [
  DaceModule.forRoot({ payments: {} }, { logger: false }),
  LedgerModule,
];

/** What ran in the app, and what its dependency says of it. */
export function tally(app: INestApplicationContext, id = 'payments') {
  const { started, succeeded, attempts } = app
    .get(DaceRegistry)
    .get(id)
    .snapshot().totals;
  const bodies = app.get(Ledger).lines.length;
  return { bodies, started, succeeded, attempts };
}

/** A tally: so many bodies, each one operation of one attempt. */
export const times = (n: number) => ({
  bodies: n,
  started: n,
  succeeded: n,
  attempts: n,
});

/** Two running apps of the same classes. */
export async function twins(
  { imports = [], ...rest }: ModuleMetadata,
  platform?: Platform,
  prepare?: Parameters<typeof serve>[1],
) {
  const one = () =>
    serve({ imports: [...counting(), ...imports], ...rest }, prepare, platform);
  return [await one(), await one()] as const;
}
