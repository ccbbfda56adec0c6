/** What a Nest app does with `nestjs-dace`. */
import { HttpService } from '@nestjs/axios';
import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Module,
  Param,
  SetMetadata,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import {
  Call,
  DaceCall,
  DaceConfigurationError,
  DaceExceptionFilter,
  DaceModule,
  DaceRegistry,
  Dependency,
  FaultTolerant,
  FaultTolerantInterceptor,
  getDependencyToken,
  InjectDependency,
  InjectHttpService,
  type DaceEvent,
  type DaceModuleOptions,
  type DependencyMap,
  type FaultTolerantOptions,
} from 'nestjs-dace';
import { map, of, type Observable } from 'rxjs';

interface Balance {
  readonly account: string;
  readonly amount: number | null;
}

const Protected = (options?: FaultTolerantOptions) =>
  applyDecorators(
    FaultTolerant('payments', options),
    SetMetadata('nightly', true),
  );

@Injectable()
export class Invoices {
  constructor(
    @InjectDependency('search') private readonly search: Dependency,
    private readonly registry: DaceRegistry,
    @InjectHttpService('payments') private readonly http: HttpService,
  ) {}

  @FaultTolerant('payments', {
    fallback: 'unknownBalance',
    timeoutMs: undefined,
  })
  async balance(account: string, @DaceCall() call: Call = Call.injected) {
    const { data } = await call.http.get<Balance>(`/accounts/${account}`);
    return data;
  }

  private unknownBalance(account: string, _error: unknown): Balance {
    return { account, amount: null };
  }

  @FaultTolerant('search', { fallback: null, cancelOnDisconnect: true })
  find(q: string): Observable<string | null> {
    return of(q);
  }

  @FaultTolerant('search', { fallback: (error, call) => [error, call.attempt] })
  async all(...parts: string[]): Promise<unknown[]> {
    return parts;
  }

  @Protected({ retry: { attempts: 2 } })
  async nightly(): Promise<void> {
    await this.search.execute((call) => call.agent);
  }

  viaHttp(): Observable<number> {
    return this.http.get<Balance>('/').pipe(map(({ status }) => status));
  }

  states(): string[] {
    return this.registry.snapshot().map(({ id, state }) => `${id} ${state}`);
  }

  types(): Observable<string> {
    return this.registry.events$.pipe(map(({ type }: DaceEvent) => type));
  }

  spare(account: string): Balance {
    return this.unknownBalance(account, undefined);
  }
}

@Controller()
@UseFilters(DaceExceptionFilter)
export class InvoicesController {
  constructor(private readonly invoices: Invoices) {}

  @Get('balance/:account')
  balance(@Param('account') account: string): Promise<Balance> {
    return this.invoices.balance(account);
  }

  @Get('later')
  @FaultTolerant('search')
  @UseInterceptors(FaultTolerantInterceptor)
  later(): Promise<string> {
    return Promise.resolve('later');
  }
}

const payments = { payments: { hosts: ['http://a'], critical: true } } as const;
const options: DaceModuleOptions = { filter: true, logger: undefined };

@Module({
  imports: [
    DaceModule.forRoot(payments, options),
    DaceModule.forFeatureAsync({
      dependencies: ['search'],
      inject: [Invoices],
      useFactory: (invoices: Invoices): DependencyMap => ({
        search: { critical: invoices.states().length > 0 },
      }),
    }),
  ],
  controllers: [InvoicesController],
  providers: [
    Invoices,
    {
      provide: 'amount',
      inject: [getDependencyToken('payments')],
      useFactory: (dependency: Dependency) => dependency.id,
    },
  ],
})
export class AppModule {}

export const problems = (error: DaceConfigurationError): number =>
  error.message.length;
