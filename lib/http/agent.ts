/**
 * The connections of one dependency: an undici agent, made when first used so that an idle
 * dependency costs nothing, and replaced when its TLS, socket, proxy or pool size
 * change.
 */
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { timedConnector } from './connector.js';
import type { Target } from './gate.js';
import type {
  HttpHost,
  HttpSettings,
  TransportEnvironment,
} from './http-options.js';
import { Pools } from './pool.js';
import { proxiedAgent } from './proxied-agent.js';

/** Our deadlines rule, so undici's own are off. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 } as const;

/** Which certificate a connection may show. */
type Audience = 'own' | 'foreign';

export class Agents {
  /** Of listed hosts by origin, so that one can be let go of; made when first used. */
  private readonly listed = new Map<string, Dispatcher | undefined>();
  /** Of peers, which no list names. */
  private own: Dispatcher | undefined;
  private foreign: Dispatcher | undefined;
  /** Agents of earlier settings, until their last answer is in. */
  private readonly draining = new Set<Dispatcher>();
  private readonly pools = new Pools();
  private isClosed = false;

  constructor(
    private http: HttpSettings,
    private readonly environment: TransportEnvironment,
  ) {}

  /** The agent for one of the dependency's own hosts, or one without client certificate. */
  get({ isOwn, origin }: Target): Dispatcher {
    if (!isOwn) return (this.foreign ??= this.make('foreign'));
    const known = this.listed.get(origin);
    if (known !== undefined) return known;
    if (!this.listed.has(origin)) return (this.own ??= this.make('own'));
    const agent = this.make('own');
    this.listed.set(origin, agent);
    return agent;
  }

  /** From now on these are listed, until they leave. */
  list(hosts: readonly HttpHost[]): void {
    for (const { baseUrl } of hosts) {
      const { origin } = new URL(baseUrl);
      if (!this.listed.has(origin)) this.listed.set(origin, undefined);
    }
  }

  /** Lets go of the connections to one host, each when its answer is in. */
  leave({ baseUrl }: HttpHost): void {
    const { origin } = new URL(baseUrl);
    const agent = this.listed.get(origin);
    this.listed.delete(origin);
    if (agent !== undefined) this.drain(agent);
  }

  configure(http: HttpSettings): void {
    const isSame =
      this.http.tls === http.tls &&
      this.http.socketPath === http.socketPath &&
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
    await Promise.all([
      this.pools.destroy(reason),
      ...agents.map((agent) => agent.destroy(reason)),
    ]);
  }

  private take(): Dispatcher[] {
    const agents = [this.own, this.foreign, ...this.listed.values()].filter(
      (agent) => agent !== undefined,
    );
    for (const origin of this.listed.keys()) this.listed.set(origin, undefined);
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
    const { http, environment, pools } = this;
    const agent = makeAgent(http, audience, environment, pools);
    // A request after the end gets undici's own "closed" error instead of a new connection.
    if (this.isClosed) this.drain(agent);
    return agent;
  }
}

function makeAgent(
  http: HttpSettings,
  audience: Audience,
  environment: TransportEnvironment,
  pools: Pools,
): Dispatcher {
  const { poolSize, connectTimeoutMs, proxy } = http;
  const tls = audience === 'own' ? http.tls : withoutIdentity(http.tls);
  const socketPath = audience === 'own' ? http.socketPath : undefined;
  const connect = timedConnector(
    tls,
    socketPath,
    connectTimeoutMs,
    environment,
  );
  const options = {
    connections: poolSize,
    connect,
    factory: (origin: string | URL, given: object) => pools.make(origin, given),
    ...NO_TIMEOUTS,
  };
  return proxy === false
    ? new Agent(options)
    : proxiedAgent(proxy, options, tls, connectTimeoutMs, environment, pools);
}

/** What is of the dependency's own hosts alone: who we are, and how they are reached. */
const OF_OWN_HOSTS = [
  'cert',
  'key',
  'pfx',
  'passphrase',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'clientCertEngine',
  'secureContext',
  'pskCallback',
  'session',
  'servername',
  'socket',
  'path',
  'socketPath',
];

function withoutIdentity(tls: HttpSettings['tls']): HttpSettings['tls'] {
  if (tls === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(tls).filter(([name]) => !OF_OWN_HOSTS.includes(name)),
  );
}
