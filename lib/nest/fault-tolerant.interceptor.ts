/**
 * Applies `@FaultTolerant` to handlers that Nest invokes: it knows the client, arms an operation for
 * the handler's dispatcher and lets the chain go on. Pipes, guards and other interceptors stay
 * outside, run once and are not the dependency's fault.
 */
import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable, Subscriber } from 'rxjs';
import { ArmedOperation } from './armed-operation.js';
import { clientOf, type Client } from './client.js';
import { enterRequest } from './frames.js';
import { protectedMethodOf } from './protected-method.js';
import { retryAfterSeconds } from './retry-after.js';

/**
 * Put on a method by `@FaultTolerant`; nobody needs to use it by hand.
 *
 * @publicApi
 */
@Injectable()
export class FaultTolerantInterceptor implements NestInterceptor {
  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const method = protectedMethodOf(context.getHandler());
    if (method === undefined) return next.handle();
    const client = clientOf(context);
    const armed = new ArmedOperation(method, client);
    return new Observable((subscriber) => {
      const chain = new Chain(subscriber, client);
      chain.add(armed);
      enterRequest(armed, () => next.handle().subscribe(chain));
    });
  }
}

/** The request's chain below the interceptor; tells the client when to come back after a refusal. */
class Chain extends Subscriber<unknown> {
  constructor(
    destination: Subscriber<unknown>,
    private readonly client: Client | undefined,
  ) {
    super(destination);
  }

  protected override _error(error: unknown): void {
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined) this.client?.retryAfter(seconds);
    super._error(error);
  }
}
