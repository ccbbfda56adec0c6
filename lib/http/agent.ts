/**
 * The connections of one dependency: an undici agent, made when first used so that an idle
 * dependency costs nothing, and replaced when its TLS, proxy or pool size change.
 */
import { Agent, EnvHttpProxyAgent, Pool, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { timedConnector } from './connector.js';
import type { HttpSettings, TransportEnvironment } from './http-options.js';

/** Our deadlines rule, so undici's own are off. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 } as const;

/** Which certificate a connection may show. */
type Audience = 'own' | 'foreign';

export class Agents {
  private own: Dispatcher | undefined;
  private foreign: Dispatcher | undefined;
  /** Agents of earlier settings, until their last answer is in. */
  private readonly draining = new Set<Dispatcher>();
  private isClosed = false;

  constructor(
    private http: HttpSettings,
    private readonly environment: TransportEnvironment,
  ) {}

  /** The agent for the dependency's own hosts, or one without client certificate. */
  get(isOwn: boolean): Dispatcher {
    if (isOwn) return (this.own ??= this.make('own'));
    return (this.foreign ??= this.make('foreign'));
  }

  configure(http: HttpSettings): void {
    const isSame =
      this.http.tls === http.tls &&
      this.http.proxy === http.proxy &&
      this.http.poolSize === http.poolSize &&
      this.http.connectTimeoutMs === http.connectTimeoutMs;
    this.http = http;
    if (isSame) return;
    for (const agent of this.take()) this.drain(agent);
  }

  /** Waits for answers under way, then lets go of every connection. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const agent of this.take()) this.drain(agent);
    await Promise.all([...this.draining].map((agent) => agent.close()));
  }

  /** Cuts every connection now; requests under way fail with `reason`. */
  async destroy(reason: Error | null = null): Promise<void> {
    this.isClosed = true;
    const agents = [...this.take(), ...this.draining];
    this.draining.clear();
    await Promise.all(agents.map((agent) => agent.destroy(reason)));
  }

  private take(): Dispatcher[] {
    const agents = [this.own, this.foreign].filter((a) => a !== undefined);
    this.own = undefined;
    this.foreign = undefined;
    return agents;
  }

  private drain(agent: Dispatcher): void {
    this.draining.add(agent);
    agent.close().then(
      () => this.draining.delete(agent),
      () => this.draining.delete(agent),
    );
  }

  private make(audience: Audience): Dispatcher {
    const agent = makeAgent(this.http, audience, this.environment);
    // A request after the end gets undici's own "closed" error instead of a new connection.
    if (this.isClosed) this.drain(agent);
    return agent;
  }
}

function makeAgent(
  http: HttpSettings,
  audience: Audience,
  environment: TransportEnvironment,
): Dispatcher {
  const { poolSize, connectTimeoutMs, proxy } = http;
  const tls = audience === 'own' ? http.tls : withoutCertificate(http.tls);
  const connect = timedConnector(tls, connectTimeoutMs, environment);
  const options = { connections: poolSize, connect, ...NO_TIMEOUTS };
  if (proxy === false) return new Agent(options);
  const proxied = {
    ...NO_TIMEOUTS,
    connections: poolSize,
    connect,
    requestTls: { ...tls, timeout: connectTimeoutMs },
    proxyTls: { timeout: connectTimeoutMs },
    // Plain http goes through a proxy in absolute form, as curl and axios do; https is tunnelled.
    proxyTunnel: false,
    // The pool to an http proxy gets its options from here alone.
    clientFactory: (origin: URL, given: object) =>
      new Pool(origin, { ...given, ...NO_TIMEOUTS, connections: poolSize }),
    factory: (origin: string | URL, given: object) =>
      new Pool(origin, { ...given, ...NO_TIMEOUTS, connections: poolSize }),
  };
  if (proxy === true) return new EnvHttpProxyAgent(proxied);
  return new ProxyAgent({ ...proxied, uri: proxy });
}

function withoutCertificate(tls: HttpSettings['tls']): HttpSettings['tls'] {
  if (tls === undefined) return undefined;
  const { cert: _c, key: _k, pfx: _p, passphrase: _s, ...rest } = tls;
  return rest;
}
