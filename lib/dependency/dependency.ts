/**
 * The executor of one dependency: the face that users inject, over the stages and the life of a
 * call.
 */
import type { AxiosInstance } from 'axios';
import type { Host } from '../balancing/host.js';
import type { CircuitMode } from '../circuit/circuit.js';
import { realClock } from '../core/clock.js';
import type { DaceListener } from '../core/events.js';
import { realRandom } from '../core/random.js';
import { operationHttp, type Http } from '../http/http.js';
import { createLogListener } from '../telemetry/logger.js';
import type { Call } from './call.js';
import {
  callSettings,
  type CallSettings,
  type ExecuteHooks,
} from './call-settings.js';
import { takePermit, type Permit } from './guard.js';
import { normalizeNetloc } from './netloc.js';
import { Caller } from './caller.js';
import { dropInAxios } from './drop-in.js';
import type { DropInSurroundings, RunRequest } from './drop-in.js';
import { inheriting } from './deadline.js';
import type { DependencyEnvironment } from './environment.js';
import {
  cancelEarly,
  misuseOf,
  refuseEarly,
  refuseLate,
  runBare,
} from './early.js';
import { Operation } from './operation.js';
import {
  checkCallOptions,
  checkEnvironment,
  checkGuardOptions,
} from './option-schema.js';
import type { CallOptions, DependencyOptions } from './options.js';
import { mergeOptions, resolveSettings } from './resolve-settings.js';
import { takeSnapshot, type DependencySnapshot } from './snapshot.js';
import { Stages } from './stages.js';
import type { AsyncFunction, Unchanged } from './wrapped.js';

/** Shared, so that ten thousand idle dependencies do not hold one each. */
const NOTHING = Object.freeze({});

export type { DependencyEnvironment } from './environment.js';

/**
 * One dependency of the app: every call through it is timed out, retried, balanced, limited,
 * circuit-broken and counted.
 *
 * State:  `snapshot()` shows it; `close()` ends it for good.
 * Errors: `execute` rejects with the work's own error, or with a `DaceError` (see its subclasses).
 * @publicApi
 */
export class Dependency {
  private readonly stages: Stages;
  private options: DependencyOptions;
  private ownHttp: Http | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  /** @internal Made by `createDependency`. */
  constructor(
    readonly id: string,
    options: DependencyOptions = NOTHING,
    private readonly environment: DependencyEnvironment = NOTHING,
  ) {
    checkEnvironment(id, environment);
    const { clock = realClock, random = realRandom, logger } = environment;
    this.options = options;
    const settings = resolveSettings(id, options, environment.defaults);
    this.stages = new Stages(id, settings, {
      clock,
      random,
      enterAttempt: environment.enterAttempt,
    });
    const { listeners } = this.stages;
    if (logger !== undefined)
      listeners.addRare(createLogListener(id, logger, clock));
    if (environment.onEvent !== undefined) listeners.add(environment.onEvent);
  }

  /** Each request is one protected operation; idempotent ones are repeated. */
  get http(): Http {
    return (this.ownHttp ??= operationHttp((work, { signal, address }) =>
      this.ask((call) => work(call.http), undefined, address, signal),
    ));
  }

  /** @internal The axios instance of the drop-in; see `dropInAxios`. */
  dropIn(surroundings: DropInSurroundings): AxiosInstance {
    return dropInAxios(this.stages.transport, this.ask, surroundings);
  }

  /** One request; no fallback answers it, as none is an `AxiosResponse`. */
  private get ask(): RunRequest {
    const { stages } = this;
    return (work, hooks, to, signal) => {
      const plain = { ...stages.plain, fallback: undefined };
      const options = stages.transport.optionsFor(to, signal);
      return this.run(work, plain, options, hooks);
    };
  }

  /** Whether an open circuit takes the app's readiness down. */
  get isCritical(): boolean {
    return this.stages.settings.critical;
  }

  /** @internal Whether a request that comes in may shorten its calls. */
  get isIncomingTrusted(): boolean {
    return this.stages.settings.propagateDeadline?.isIncomingTrusted === true;
  }

  get isClosed(): boolean {
    return this.stages.isClosed;
  }

  /**
   * Runs `work` protected. It may run several times, each with a `Call` of its own.
   *
   * Errors: the work's own error where it was tried once or may not be repeated;
   *         DaceRetryExhaustedError after several tries; DaceTimeoutError; refusals
   *         (DaceCircuitOpenError, DaceRateLimitedError, DaceNoHostsError, DaceShutdownError);
   *         the reason of `options.signal`; DaceConfigurationError for wrong options.
   */
  execute<T, F = never>(
    work: (call: Call) => T | PromiseLike<T>,
    options?: CallOptions<F>,
  ): Promise<T | F> {
    return this.executeWith(work, options, undefined);
  }

  /** @internal For frameworks that know more of the caller. */
  executeWith<T, F = never>(
    work: (call: Call) => T | PromiseLike<T>,
    options: CallOptions<F> | undefined,
    hooks: ExecuteHooks | undefined,
  ): Promise<T | F> {
    return this.run(work, this.stages.plain, options, hooks);
  }

  private run<T, F = never>(
    work: (call: Call) => T | PromiseLike<T>,
    plain: CallSettings,
    options: CallOptions<F> | undefined,
    hooks: ExecuteHooks | undefined,
  ): Promise<T | F> {
    const { stages } = this;
    let call = plain;
    if (options !== undefined || typeof work !== 'function') {
      const misuse = misuseOf(this.id, work, options);
      if (misuse !== undefined) return Promise.reject(misuse);
    }
    if (!stages.isEnabled) return runBare(stages, work, options, hooks);
    if (options !== undefined) {
      const pinned = this.pinned(options);
      call = callSettings(stages.settings, plain, options, pinned);
    }
    stages.totals.started += 1;
    if (stages.listeners.wantsAll)
      stages.emit({ type: 'operation.started', dependencyId: this.id });
    if (call.signal?.aborted) return cancelEarly(stages, call.signal);
    const nowMs = stages.clock.nowMs();
    if (stages.settings.propagateDeadline !== undefined) {
      call = inheriting(stages, call, nowMs);
      if (call.timeoutMs === 0)
        return refuseLate(stages, call, hooks) as Promise<F>;
    }
    const isOpen =
      call.pinned === undefined && stages.circuit?.refuses(nowMs) === true;
    if (isOpen || stages.isClosed)
      return refuseEarly(stages, call, nowMs, hooks) as Promise<F>;
    return new Promise((resolve, reject) => {
      const caller = new Caller(
        stages,
        call,
        hooks,
        resolve as (value: unknown) => void,
        reject,
      );
      new Operation(stages, work, call, nowMs, caller).begin(nowMs);
    });
  }

  /** `fn`, protected: the same `this`, arguments and types; always a promise. */
  wrap<Fn extends AsyncFunction>(
    fn: Unchanged<Fn>,
    options?: Omit<CallOptions, 'fallback'>,
  ): Fn;
  wrap<This, A extends unknown[], R>(
    fn: (this: This, ...args: A) => R,
    options?: Omit<CallOptions, 'fallback'>,
  ): (this: This, ...args: A) => Promise<Awaited<R>>;
  wrap<This, A extends unknown[], R, F>(
    fn: (this: This, ...args: A) => R,
    options: CallOptions<F>,
  ): (this: This, ...args: A) => Promise<Awaited<R> | F>;
  wrap<This, A extends unknown[], R, F>(
    fn: (this: This, ...args: A) => R,
    options?: CallOptions<F>,
  ): (this: This, ...args: A) => Promise<Awaited<R> | F> {
    if (options !== undefined) checkCallOptions(this.id, options);
    const execute = (work: () => R): Promise<Awaited<R> | F> =>
      this.execute<Awaited<R>, F>(
        work as () => Awaited<R> | PromiseLike<Awaited<R>>,
        options,
      );
    return function (this: This, ...args: A) {
      return execute(() => fn.apply(this, args));
    };
  }

  /**
   * Passage for code that cannot be a function, taken at once.
   *
   * Errors: throws what a call would be refused with; never queues, retries, times out or falls back.
   */
  acquire(options: { readonly netloc?: string | undefined } = {}): Permit {
    checkGuardOptions(this.id, options);
    return takePermit(this.stages, this.pinned(options));
  }

  private pinned({ netloc }: Pick<CallOptions, 'netloc'>): Host | undefined {
    return netloc === undefined
      ? undefined
      : this.stages.fleet.pinned(normalizeNetloc(netloc));
  }

  snapshot(): DependencySnapshot {
    return takeSnapshot(this.stages);
  }

  /** Hears every event from now on; the returned function ends that. */
  on(listener: DaceListener): () => void {
    return this.stages.listeners.add(listener);
  }

  /**
   * Merges `changes` by key; they hold from the next admission on. A closed dependency keeps none.
   * Asked for in the middle of a step of it, by a trip rule or a source say, they are made after that.
   *
   * Errors: DaceConfigurationError, and then nothing has changed.
   */
  configure(changes: DependencyOptions): void {
    const options = mergeOptions(this.options, changes);
    const { defaults } = this.environment;
    const settings = resolveSettings(this.id, options, defaults);
    if (this.isClosed) return;
    this.options = options;
    this.stages.configure(settings);
  }

  /** An operator's hand on the circuit, or on that of one host; in the middle of a step as `configure`. */
  control(mode: CircuitMode, netloc?: string): void {
    this.stages.control(
      mode,
      netloc === undefined ? undefined : normalizeNetloc(netloc),
    );
  }

  /** @internal Asks the source of its hosts from now on, if there is one. */
  start(): void {
    this.stages.fleet.feed?.start();
  }

  /**
   * Refuses new calls and those that wait, gives running work `shutdownGraceMs`, then cuts it and
   * lets go of every connection. Idempotent.
   */
  close(): Promise<void> {
    if (this.closing !== undefined) return this.closing;
    let end: (closed: Promise<void>) => void;
    // Those who are ended by it may ask for it as well.
    this.closing = new Promise((resolve) => (end = resolve));
    end!(this.stages.close());
    return this.closing;
  }
}

/**
 * An executor for one dependency, for plain Node.
 *
 * Errors: DaceConfigurationError that lists every wrong option.
 * @publicApi
 */
export function createDependency(
  id: string,
  options?: DependencyOptions,
  environment?: DependencyEnvironment,
): Dependency {
  const dependency = new Dependency(id, options, environment);
  dependency.start();
  return dependency;
}
