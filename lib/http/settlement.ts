import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { AsyncResource } from 'node:async_hooks';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { concealSecrets, withRequest } from './axios-errors.js';
import { onCallerEnd } from './caller.js';

/** For the transport alone: whoever asked has been answered. */
export const NOT_SENT = new Error('given up before it was sent');

/**
 * A promise that is decided once, by whoever comes first: the answer, an error, the caller, the
 * end of the attempt. Every way out takes the same listeners off.
 */
export abstract class Settlement {
  private resolve!: (response: AxiosResponse) => void;
  private reject!: (error: unknown) => void;
  private readonly callersContext = new AsyncResource('DaceRequest', {
    requireManualDestroy: true,
  });
  protected isSettled = false;
  /** A body is handed over that is still to come: listeners stay until it ends. */
  protected isStreaming = false;
  protected offEnd: (() => void) | undefined;
  protected offCaller: (() => void) | undefined;
  protected offTimer: (() => void) | undefined;

  protected abstract begin(): void;
  /** What `error.request` shows, once it is known what is sent. */
  protected abstract summary(): unknown;
  /** Ends whatever is under way on the wire. */
  protected abstract drop(reason: Error | undefined): void;

  run(): Promise<AxiosResponse> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.step(() => this.begin());
    });
  }

  /** To the means of the config, anew where a hook has changed it. */
  protected listen(config: InternalAxiosRequestConfig): void {
    if (this.isSettled) return;
    this.offCaller?.();
    this.offCaller = onCallerEnd(config, (reason) => this.cut(reason));
  }

  /** The wire calls back in the context of whoever has opened the connection. */
  protected inContext<T>(run: () => T): T {
    return this.callersContext.runInAsyncScope(run);
  }

  /** Runs a step whose failure is the request's. */
  protected step(run: () => void): void {
    if (this.isSettled) return;
    try {
      this.inContext(run);
    } catch (error) {
      this.fail(error);
    }
  }

  protected succeed(response: AxiosResponse): void {
    this.settle();
    this.resolve(response);
  }

  /** Rejects for what the answer says; its streamed body may still be read. */
  protected refuse(error: unknown): void {
    this.settle();
    this.reject(concealSecrets(error));
  }

  /** Rejects and lets go of the wire. */
  protected fail(error: unknown): void {
    if (this.isSettled) return;
    this.isSettled = true;
    // First of all: what is let go of may be the user's, and throw.
    this.reject(concealSecrets(withRequest(error, this.summary())));
    this.unlisten();
    this.drop(asError(error));
  }

  /** The attempt or the caller gives up, or what listens to it has thrown: whatever is under way ends. */
  cut(reason: unknown): void {
    if (!this.isSettled) this.fail(reason);
    else if (this.isStreaming) this.drop(asError(reason));
  }

  protected unlisten(): void {
    this.offTimer?.();
    this.offEnd?.();
    this.offCaller?.();
  }

  private settle(): void {
    this.isSettled = true;
    this.offTimer?.();
    if (!this.isStreaming) this.unlisten();
  }
}

const asError = (reason: unknown): Error | undefined =>
  isErrorOfAnyRealm(reason) ? reason : undefined;
