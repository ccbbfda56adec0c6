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
import { Observable, type Observer, type Subscriber } from 'rxjs';
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
      subscriber.add(armed);
      const passed = new Passed(subscriber, client);
      subscriber.add(
        enterRequest(armed, () => next.handle().subscribe(passed)),
      );
    });
  }
}

/** What comes up the chain; after a refusal the client is told when to come back. */
class Passed implements Observer<unknown> {
  constructor(
    private readonly to: Subscriber<unknown>,
    private readonly client: Client | undefined,
  ) {}

  next(value: unknown): void {
    this.to.next(value);
  }

  error(error: unknown): void {
    const seconds = retryAfterSeconds(error);
    try {
      if (seconds !== undefined) this.client?.retryAfter(seconds);
    } catch {
      // Whoever has a hand in the headers of the app: its answer is given without this one.
    }
    this.to.error(error);
  }

  complete(): void {
    this.to.complete();
  }
}
