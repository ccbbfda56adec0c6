/** Everything HTTP of one dependency: its connections, its gate, its headers, its faces. */
import type { AxiosAdapter } from 'axios';
import type { Dispatcher } from 'undici';
import { Agents } from './agent.js';
import { AttemptDispatcher } from './attempt-dispatcher.js';
import type { AttemptScope } from './attempt-scope.js';
import type { ExchangeContext } from './exchange-context.js';
import { Gate } from './gate.js';
import { attemptHttp } from './http.js';
import type { Http } from './http.js';
import type {
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

  constructor(
    dependencyId: string,
    settings: TransportSettings,
    readonly environment: TransportEnvironment,
  ) {
    const { http, hosts } = settings;
    this.http = http;
    this.gate = new Gate(dependencyId, hosts, http.allowOtherHosts);
    this.agents = new Agents(http, environment);
    this.defaults = new DefaultHeaders(http.headers, http.secretHeaders);
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
  adapterFor(scope: AttemptScope): AxiosAdapter {
    return (config) => new AdapterExchange(this, scope, config).run();
  }

  /** Holds for requests that begin from now on; old connections drain. */
  configure({ http, hosts }: TransportSettings): void {
    this.http = http;
    this.gate.configure(hosts, http.allowOtherHosts);
    this.agents.configure(http);
    this.defaults = new DefaultHeaders(http.headers, http.secretHeaders);
  }

  /** Waits for answers under way; `destroy` cuts them. */
  close(): Promise<void> {
    return this.agents.close();
  }

  destroy(reason?: Error): Promise<void> {
    return this.agents.destroy(reason);
  }
}
