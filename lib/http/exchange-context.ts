import type { Agents } from './agent.js';
import type { Gate } from './gate.js';
import type { HttpSettings, TransportEnvironment } from './http-options.js';
import type { DefaultHeaders } from './request-headers.js';

/** What all requests of a dependency share. */
export interface ExchangeContext {
  readonly gate: Gate;
  readonly agents: Agents;
  readonly http: HttpSettings;
  readonly defaults: DefaultHeaders;
  /** Carries the time that is left; undefined = none is told. */
  readonly deadlineHeader: string | undefined;
  readonly environment: TransportEnvironment;
}
