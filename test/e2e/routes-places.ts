/** The places in which an interceptor can stand around a decorated route. */
import {
  Controller,
  Get,
  Injectable,
  Scope,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { serve, type Platform } from './nest-app.js';

/** The route's body: how often it ran, how often it is to fail yet, and what it does then. */
export const body = {
  runs: 0,
  failures: 0,
  work: (_call: Call): Promise<string> => Promise.resolve('answer'),
};
const usual = body.work;

export type Intercept = NestInterceptor['intercept'];

@Injectable()
export class Interceptor implements NestInterceptor {
  static does: Intercept = (_context, next) => next.handle();
  intercept(context: ExecutionContext, next: CallHandler) {
    return Interceptor.does(context, next);
  }
}

export interface Place {
  readonly place: string;
  readonly route?: Type;
  readonly providers?: Provider[];
  prepare?(app: INestApplication): void;
}

const payments = { circuit: false, retry: { budget: false } } as const;
const fragile = FaultTolerant('payments', { retry: { on: 'any' } });
async function answer(call: Call): Promise<string> {
  body.runs += 1;
  body.failures -= 1;
  if (body.failures >= 0) throw new Error('down');
  return body.work(call);
}

@Controller()
class Plain {
  @Get()
  @fragile
  async route(@DaceCall() call: Call = Call.injected) {
    return answer(call);
  }
}

@Controller()
class Inside {
  @Get()
  @UseInterceptors(Interceptor)
  @fragile
  async route(@DaceCall() call: Call = Call.injected) {
    return answer(call);
  }
}

@Controller()
class Outside {
  @Get()
  @fragile
  @UseInterceptors(Interceptor)
  async route(@DaceCall() call: Call = Call.injected) {
    return answer(call);
  }
}

@Controller()
@UseInterceptors(Interceptor)
class OfClass {
  @Get()
  @fragile
  async route(@DaceCall() call: Call = Call.injected) {
    return answer(call);
  }
}

@Controller()
@UseInterceptors(Interceptor)
class Everywhere {
  @Get()
  @UseInterceptors(Interceptor)
  @fragile
  @UseInterceptors(Interceptor, Interceptor)
  async route(@DaceCall() call: Call = Call.injected) {
    return answer(call);
  }
}

/** Nest runs the interceptors of a method in the order in which their decorators are applied. */
export const places: readonly Place[] = [
  { place: 'inside ours', route: Inside },
  { place: 'outside ours', route: Outside },
  { place: 'on the class', route: OfClass },
  { place: 'in all places', route: Everywhere },
  {
    place: 'by useGlobalInterceptors',
    prepare: (app) => app.useGlobalInterceptors(new Interceptor()),
  },
  {
    place: 'by APP_INTERCEPTOR',
    providers: [{ provide: APP_INTERCEPTOR, useClass: Interceptor }],
  },
  {
    place: 'by APP_INTERCEPTOR, per request',
    providers: [
      { provide: APP_INTERCEPTOR, useClass: Interceptor, scope: Scope.REQUEST },
    ],
  },
];

/** An app whose decorated route `GET /` has an interceptor in `place`. */
export function serveWith(
  { route = Plain, providers = [], prepare }: Place,
  intercept: Intercept,
  platform: Platform,
) {
  Object.assign(body, { runs: 0, failures: 0, work: usual });
  Interceptor.does = intercept;
  return serve(
    {
      imports: [DaceModule.forRoot({ payments }, { logger: false })],
      controllers: [route],
      providers,
    },
    (app) => prepare?.(app),
    platform,
  );
}
