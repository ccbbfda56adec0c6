import { Injectable, Logger } from '@nestjs/common';
import {
  Cron,
  Interval,
  ScheduleModule,
  SchedulerRegistry,
  Timeout,
} from '@nestjs/schedule';
import { afterEach, describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { unhandledDuring } from '../support/core-toolkit.js';
import { counting, Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, serve, until } from './nest-app.js';

/** The 29th of February: a test fires by hand. */
const SELDOM = '0 0 0 29 2 *';

@Injectable()
class Jobs {
  constructor(protected readonly ledger: Ledger) {}

  @Cron(SELDOM, { name: 'cron above', timeZone: 'Europe/Paris' })
  @FaultTolerant('payments')
  async cronAbove(): Promise<string> {
    return this.ledger.enter('cron above');
  }
  @FaultTolerant('payments')
  @Cron(SELDOM, { name: 'cron below', timeZone: 'Europe/Paris' })
  async cronBelow(): Promise<string> {
    return this.ledger.enter('cron below');
  }
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: 'spare' })
  @Cron(SELDOM, { name: 'failing', disabled: true })
  async failing(): Promise<string> {
    this.ledger.enter('failing');
    throw new Error('down');
  }
  async spare(error: Error): Promise<string> {
    return this.ledger.enter(`spare for ${error.name}`);
  }
}

/** The same without protection. */
@Injectable()
class PlainJobs {
  @Cron(SELDOM, { name: 'cron above', timeZone: 'Europe/Paris' })
  async cronAbove(): Promise<void> {}
  @Cron(SELDOM, { name: 'cron below', timeZone: 'Europe/Paris' })
  async cronBelow(): Promise<void> {}
  @Cron(SELDOM, { name: 'failing', disabled: true })
  async failing(): Promise<void> {}
}

@Injectable()
class Timers {
  constructor(private readonly ledger: Ledger) {}

  @Interval('interval above', 2)
  @FaultTolerant('payments')
  async intervalAbove(): Promise<string> {
    return this.ledger.enter('interval above');
  }
  @FaultTolerant('payments')
  @Interval('interval below', 2)
  async intervalBelow(): Promise<string> {
    return this.ledger.enter('interval below');
  }
  @Timeout('timeout above', 1)
  @FaultTolerant('payments')
  async timeoutAbove(): Promise<string> {
    return this.ledger.enter('timeout above');
  }
  @FaultTolerant('payments')
  @Timeout('timeout below', 1)
  async timeoutBelow(): Promise<string> {
    return this.ledger.enter('timeout below');
  }
}

const scheduled = (provider: new (...args: never[]) => object) => ({
  imports: [ScheduleModule.forRoot()],
  providers: [provider],
});
type App = Awaited<ReturnType<typeof serve>>['app'];
const jobOf = (app: App, name: string) =>
  app.get(SchedulerRegistry).getCronJob(name);
const linesOf = (app: App): string[] => app.get(Ledger).lines;
const payments = (app: App) => app.get(DaceRegistry).get('payments');

describe.each(platforms)('A protected cron job on $platform', (platform) => {
  it('runs once each time it is fired, in the app that fires it', async () => {
    const [one, other] = await twins(scheduled(Jobs), platform);

    await jobOf(one.app, 'cron above').fireOnTick();
    await jobOf(one.app, 'cron below').fireOnTick();
    await jobOf(other.app, 'cron above').fireOnTick();
    await until(() => tally(one.app).succeeded + tally(other.app).bodies === 3);

    expect(linesOf(one.app)).toEqual(['cron above', 'cron below']);
    expect(tally(one.app)).toEqual(times(2));
    expect(tally(other.app)).toEqual(times(1));
  });
});

describe('A protected cron job', () => {
  it('is registered as it would be without protection', async () => {
    const protectedApp = await serve({
      imports: [...counting(), ...scheduled(Jobs).imports],
      providers: [Jobs],
    });
    const plainApp = await serve(scheduled(PlainJobs));
    const registered = ({ app }: { app: App }) =>
      [...app.get(SchedulerRegistry).getCronJobs()].map(([name, job]) => ({
        name,
        source: job.cronTime.source,
        zone: job.cronTime.timeZone,
        isActive: job.isActive,
      }));

    expect(registered(protectedApp)).toEqual(registered(plainApp));
    expect(registered(plainApp)).toHaveLength(3);
  });

  it('has all of its protection: tries, and a fallback on the same instance', async () => {
    const [{ app }] = await twins(scheduled(Jobs));

    await jobOf(app, 'failing').fireOnTick();
    await until(() => linesOf(app).length === 4);

    expect(linesOf(app)).toEqual([
      'failing',
      'failing',
      'failing',
      'spare for DaceRetryExhaustedError',
    ]);
    expect(payments(app).snapshot().totals).toMatchObject({
      started: 1,
      attempts: 3,
      fallbacks: 1,
    });
  });

  it('that a subclass inherits is one of the subclass', async () => {
    @Injectable()
    class MoreJobs extends Jobs {
      override async spare(): Promise<string> {
        return this.ledger.enter('spare of the subclass');
      }
    }
    const [{ app }] = await twins(scheduled(MoreJobs));

    await jobOf(app, 'failing').fireOnTick();
    await until(() => linesOf(app).length === 4);

    expect(linesOf(app).at(-1)).toBe('spare of the subclass');
  });

  describe('that is refused', () => {
    afterEach(() => Logger.overrideLogger(false));

    it('is told to the log, and nothing else happens', async () => {
      const logged: unknown[] = [];
      const { app } = await serve({
        ...scheduled(Jobs),
        imports: [...counting(), ScheduleModule.forRoot()],
      });
      Logger.overrideLogger({
        log: () => {},
        warn: () => {},
        error: (message: unknown) => logged.push(message),
      });
      payments(app).control('forced-open');

      const unhandled = await unhandledDuring(async () => {
        await jobOf(app, 'cron above').fireOnTick();
        await until(() => logged.length > 0);
      });

      expect(unhandled).toEqual([]);
      expect(logged).toMatchObject([{ code: 'DACE_CIRCUIT_OPEN' }]);
      expect(linesOf(app)).toEqual([]);
      expect(payments(app).snapshot().totals).toMatchObject({
        started: 1,
        refused: 1,
      });
    });
  });
});

describe.each(platforms)('A protected timer on $platform', (platform) => {
  it('runs once each time it is due, in its own app', async () => {
    const [one, other] = await twins(scheduled(Timers), platform);
    const registry = one.app.get(SchedulerRegistry);
    const names = [registry.getIntervals(), registry.getTimeouts()];
    const count = (app: App, name: string): number =>
      linesOf(app).filter((line) => line === name).length;
    const hasRun = (app: App): boolean =>
      count(app, 'interval above') > 2 &&
      count(app, 'interval below') > 2 &&
      count(app, 'timeout above') > 0 &&
      count(app, 'timeout below') > 0;

    await until(() => hasRun(one.app) && hasRun(other.app));
    for (const { app } of [one, other]) {
      for (const name of app.get(SchedulerRegistry).getIntervals())
        app.get(SchedulerRegistry).deleteInterval(name);
      const { started } = tally(app);
      await until(() => tally(app).succeeded === started);
    }

    expect(names).toEqual([
      ['interval above', 'interval below'],
      ['timeout above', 'timeout below'],
    ]);
    for (const { app } of [one, other]) {
      const bodies = linesOf(app).length;
      expect(tally(app)).toEqual(times(bodies));
      expect(count(app, 'timeout above')).toBe(1);
      expect(count(app, 'timeout below')).toBe(1);
    }
  });
});
