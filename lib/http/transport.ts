/** Everything HTTP of one dependency: its connections, its gate, its headers, its faces. */
import axios from 'axios';
import type { AxiosAdapter, AxiosStatic } from 'axios';
import type { Dispatcher } from 'undici';
import { Agents } from './agent.js';
import { AttemptDispatcher } from './attempt-dispatcher.js';
import type { AttemptScope } from './attempt-scope.js';
import type { Bound } from './bounded.js';
import type { ExchangeContext } from './exchange-context.js';
import { Gate } from './gate.js';
import type { Address } from './gate.js';
import { attemptHttp } from './http.js';
import type { Http } from './http.js';
import type {
  HttpHost,
  HttpSettings,
  TransportEnvironment,
  TransportSettings,
} from './http-options.js';
import { AdapterExchange } from './adapter.js';
import { DefaultHeaders } from './request-headers.js';

/** The HTTP side of one dependency; costs next to nothing until a request is made. */
export class HttpTransport implements ExchangeContext {
  readonly gate: Gate;
  readonly agents: Agents;
  http: HttpSettings;
  defaults: DefaultHeaders;
  deadlineHeader: string | undefined;

  private hookTimeoutMs: number;

  constructor(
    private readonly dependencyId: string,
    settings: TransportSettings,
    readonly environment: TransportEnvironment,
  ) {
    const { http, hosts, isListed, attemptTimeoutMs } = settings;
    this.hookTimeoutMs = attemptTimeoutMs ?? Infinity;
    this.http = http;
    this.deadlineHeader = settings.propagateDeadline?.header;
    this.gate = new Gate(dependencyId, hosts, http.allowOtherHosts, isListed);
    this.agents = new Agents(http, environment);
    this.agents.list(hosts);
    this.defaults = new DefaultHeaders(http.headers, http.secretHeaders);
  }

  /** How long a hook may take that runs beside the attempts. */
  get hookBound(): Bound {
    const { dependencyId, hookTimeoutMs: timeoutMs, environment } = this;
    return { dependencyId, timeoutMs, environment };
  }

  /** `call.http`. */
  httpFor(scope: AttemptScope): Http {
    return attemptHttp(this, scope);
  }

  /** `call.agent`. */
  agentFor(scope: AttemptScope): Dispatcher {
    return new AttemptDispatcher(this, scope);
  }

  /** The adapter of an axios instance whose requests belong to one attempt. */
  adapterFor(
    scope: AttemptScope,
    { AxiosHeaders }: Pick<AxiosStatic, 'AxiosHeaders'> = axios,
  ): AxiosAdapter {
    return (config) =>
      new AdapterExchange(this, scope, config, AxiosHeaders).run();
  }

  /** What a request says of its operation: whose signal ends it, which of several hosts is meant. */
  optionsFor(
    to: Address,
    signal: AbortSignal | undefined,
  ):
    | { signal: AbortSignal | undefined; netloc: string | undefined }
    | undefined {
    const netloc = this.gate.netlocOf(to);
    if (signal === undefined && netloc === undefined) return undefined;
    return { signal, netloc };
  }

  /** Holds for requests that begin from now on; old connections drain. */
  configure(settings: TransportSettings): void {
    const { http, hosts, isListed, propagateDeadline } = settings;
    this.http = http;
    this.hookTimeoutMs = settings.attemptTimeoutMs ?? Infinity;
    this.deadlineHeader = propagateDeadline?.header;
    this.gate.configure(hosts, http.allowOtherHosts, isListed);
    this.agents.configure(http);
    this.agents.list(hosts);
    this.defaults = new DefaultHeaders(http.headers, http.secretHeaders);
  }

  /** Nothing goes to `host` any more: its connections end with their last answer. */
  leave(host: HttpHost): void {
    this.agents.leave(host);
  }

  /** Waits for answers under way; `destroy` cuts them. */
  close(): Promise<void> {
    return this.agents.close();
  }

  destroy(reason?: Error): Promise<void> {
    return this.agents.destroy(reason);
  }
}
