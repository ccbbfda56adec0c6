import {
  Inject,
  Injectable,
  Scope,
  SetMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import {
  ContextIdFactory,
  DiscoveryService,
  DiscoveryModule,
  MetadataScanner,
  ModuleRef,
  REQUEST,
} from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, type Platform, type serve } from './nest-app.js';

interface Job {
  readonly id: number;
}
type Process = (job: Job, token?: string) => Promise<unknown>;

const Processor = (queue: string): ClassDecorator =>
  SetMetadata('processor', queue);
const Process = (name: string): MethodDecorator => SetMetadata('process', name);
const OnJob = (event: string): MethodDecorator => SetMetadata('on', event);

/** What finds processors as @nestjs/bullmq and @nestjs/bull do, and calls them as their queues do. */
@Injectable()
class Worker implements OnModuleInit {
  private readonly processors = new Map<string, Process>();
  private readonly listeners = new Map<string, Process>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly modules: ModuleRef,
  ) {}

  onModuleInit(): void {
    for (const wrapper of this.discovery.getProviders()) {
      const type = wrapper.metatype;
      const instance = wrapper.instance as Record<string, Process>;
      if (typeof type !== 'function') continue;
      const queue = Reflect.getMetadata('processor', type) as string;
      if (queue === undefined) continue;
      const inScope: (name: string) => Process = (name) =>
        wrapper.isDependencyTreeStatic()
          ? instance[name]!.bind(instance)
          : async (job: Job, token = '') => {
              const context = ContextIdFactory.create();
              this.modules.registerRequestByContextId(job, context);
              const found = await this.modules.resolve<typeof instance>(
                type,
                context,
                { strict: false },
              );
              return found[name]!(job, token);
            };
      if ('process' in instance) this.processors.set(queue, inScope('process'));
      const prototype = Object.getPrototypeOf(instance) as typeof instance;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = prototype[name]!;
        const job = Reflect.getMetadata('process', method) as string;
        if (job !== undefined)
          this.processors.set(`${queue}:${job}`, inScope(name));
        const event = Reflect.getMetadata('on', method) as string;
        if (event !== undefined) this.listeners.set(event, inScope(name));
      }
    }
  }

  /** Fires a job. */
  async run(name: string, job: Job): Promise<unknown> {
    const process = this.processors.get(name)!;
    // For jobs with a name: Bull takes a second parameter for a callback, and waits for it.
    if (name.includes(':') && process.length > 1)
      throw new Error(`${name} would never be done`);
    const answer = await process(job, 'token');
    await this.listeners.get('completed')?.(job, 'token');
    return answer;
  }
}

abstract class WorkerHost {
  abstract process(job: Job, token?: string): Promise<unknown>;
}

@Processor('mail')
@Injectable()
class Mail extends WorkerHost {
  constructor(private readonly ledger: Ledger) {
    super();
  }
  @FaultTolerant('payments', { fallback: 'spare' })
  async process(
    { id }: Job,
    token?: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<string> {
    this.ledger.enter(`mail ${id}, ${token}, attempt ${call.attempt}`);
    if (id < 0) throw new Error('down');
    return `mailed ${id}`;
  }
  spare({ id }: Job, token: string | undefined, error: Error): string {
    return `spare for ${id}, ${token}: ${error.message}`;
  }
  @OnJob('completed')
  @FaultTolerant('payments')
  async completed({ id }: Job): Promise<string> {
    return this.ledger.enter(`completed ${id}`);
  }
}

@Processor('film')
@Injectable()
class Film {
  constructor(private readonly ledger: Ledger) {}
  @Process('cut')
  @FaultTolerant('payments')
  async cut(
    { id }: Job,
    @DaceCall() call: Call = Call.injected,
  ): Promise<string> {
    return this.ledger.enter(`cut ${id}, attempt ${call.attempt}`);
  }
  @FaultTolerant('payments')
  @Process('play')
  async play({ id }: Job): Promise<string> {
    return this.ledger.enter(`play ${id}`);
  }
}

@Processor('scoped')
@Injectable({ scope: Scope.REQUEST })
class Scoped extends WorkerHost {
  constructor(
    private readonly ledger: Ledger,
    @Inject(REQUEST) private readonly job: Job,
  ) {
    super();
  }
  @FaultTolerant('payments')
  async process({ id }: Job): Promise<string> {
    return this.ledger.enter(`job ${id} in the scope of ${this.job.id}`);
  }
}

type App = Awaited<ReturnType<typeof serve>>['app'];
const linesOf = (app: App): string[] => app.get(Ledger).lines;
const working = (platform?: Platform) =>
  twins(
    { imports: [DiscoveryModule], providers: [Worker, Mail, Film, Scoped] },
    platform,
  );

describe.each(platforms)('A protected processor on $platform', (platform) => {
  it('that is a method "process" runs once for each job, in the app of its worker', async () => {
    const [one, other] = await working(platform);

    const answers = [
      await one.app.get(Worker).run('mail', { id: 1 }),
      await other.app.get(Worker).run('mail', { id: 2 }),
    ];

    expect(answers).toEqual(['mailed 1', 'mailed 2']);
    expect(linesOf(one.app)).toEqual([
      'mail 1, token, attempt 1',
      'completed 1',
    ]);
    expect(linesOf(other.app)).toEqual([
      'mail 2, token, attempt 1',
      'completed 2',
    ]);
    expect(tally(one.app)).toEqual(times(2));
    expect(tally(other.app)).toEqual(times(2));
  });

  it('that is found by the metadata of its method runs once for each job', async () => {
    const [one, other] = await working(platform);

    const answers = [
      await one.app.get(Worker).run('film:cut', { id: 1 }),
      await one.app.get(Worker).run('film:play', { id: 2 }),
    ];

    expect(answers).toEqual(['cut 1, attempt 1', 'play 2']);
    // Each is heard of.
    expect(tally(one.app)).toEqual(times(4));
    expect(tally(other.app)).toEqual(times(0));
  });

  it('of a request scope runs once for each job, in a scope of its own', async () => {
    const [one, other] = await working(platform);

    const answers = await Promise.all([
      one.app.get(Worker).run('scoped', { id: 1 }),
      one.app.get(Worker).run('scoped', { id: 2 }),
    ]);

    expect(answers).toEqual([
      'job 1 in the scope of 1',
      'job 2 in the scope of 2',
    ]);
    expect(tally(one.app)).toEqual(times(4));
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe('A protected processor', () => {
  it('falls back on its own instance, with what its worker gave it', async () => {
    const [{ app }] = await working();

    const answer = await app.get(Worker).run('mail', { id: -1 });

    expect(answer).toBe('spare for -1, token: down');
  });

  it('that is refused rejects, so that the queue may try again later', async () => {
    const [{ app }] = await working();
    const payments = app.get(DaceRegistry).get('payments');
    payments.control('forced-open');

    const error = await errorOf(app.get(Worker).run('film:cut', { id: 1 }));
    payments.control('auto');
    const answer = await app.get(Worker).run('film:cut', { id: 1 });

    expect(error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(answer).toBe('cut 1, attempt 1');
    expect(linesOf(app)).toEqual(['cut 1, attempt 1', 'completed 1']);
  });

  it('may be given a job while the app is put together', async () => {
    @Injectable()
    class Eager extends Worker {
      answer: unknown;
      override async onModuleInit(): Promise<void> {
        super.onModuleInit();
        this.answer = await this.run('mail', { id: 1 });
      }
    }
    const [one, other] = await twins({
      imports: [DiscoveryModule],
      providers: [Eager, Mail],
    });

    for (const { app } of [one, other]) {
      expect(app.get(Eager).answer).toBe('mailed 1');
      expect(tally(app)).toEqual(times(2));
    }
  });
});
