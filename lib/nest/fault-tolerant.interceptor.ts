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
import { Observable } from 'rxjs';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { App } from './app.js';
import { clientGone, clientOf, type Client } from './client.js';
import { FAULT_TOLERANT_METADATA } from './dace.constants.js';
import { enterRequest, type ArmedOperation } from './frames.js';
import type { ProtectedMethod } from './protected-method.js';
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
    const method = Reflect.getMetadata(
      FAULT_TOLERANT_METADATA,
      context.getHandler(),
    ) as ProtectedMethod | undefined;
    if (method === undefined) return next.handle();
    const client = clientOf(context);
    const armed: ArmedOperation = {
      method,
      hooksFor: (app) =>
        client === undefined ? {} : hooksOf(client, method, app, armed.atEnd),
      isSpent: false,
      atEnd: [],
    };
    return new Observable((subscriber) => {
      const subscription = enterRequest(armed, () =>
        next.handle().subscribe({
          next: (value) => subscriber.next(value),
          error: (error: unknown) => {
            const seconds = retryAfterSeconds(error);
            if (seconds !== undefined) client?.retryAfter(seconds);
            subscriber.error(error);
          },
          complete: () => subscriber.complete(),
        }),
      );
      return () => {
        armed.isSpent = true;
        for (const end of armed.atEnd) end();
        subscription.unsubscribe();
      };
    });
  }
}

function hooksOf(
  client: Client,
  { options }: ProtectedMethod,
  app: App,
  atEnd: (() => void)[],
): ExecuteHooks {
  const mayCancel =
    options.cancelOnDisconnect ?? app.cancelOnDisconnect ?? client.isReadOnly;
  return {
    isAnswered: client.isAnswered,
    onStart: (cancel) => {
      if (mayCancel) atEnd.push(client.onGone(() => cancel(clientGone())));
    },
  };
}
