/**
 * The connections of one dependency: an undici agent, made when first used so that an idle
 * dependency costs nothing, and replaced when its TLS, socket, proxy or pool size
 * change.
 */
import { Agent, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import type { Dispatcher, Pool } from 'undici';
import { timedConnector } from './connector.js';
import type { Target } from './gate.js';
import type {
  HttpHost,
  HttpSettings,
  TransportEnvironment,
} from './http-options.js';
import { makePool } from './pool.js';
import { timedTunnel } from './tunnel.js';

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
    await Promise.all(agents.map((agent) => agent.destroy(reason)));
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
    factory: makePool,
    ...NO_TIMEOUTS,
  };
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
      makePool(origin, { ...given, ...NO_TIMEOUTS, connections: poolSize }),
    factory: (origin: string | URL, given: Pool.Options) =>
      makePool(origin, {
        ...given,
        ...NO_TIMEOUTS,
        connections: poolSize,
        // Where the environment names no proxy it is ours.
        ...(typeof given.connect === 'function' &&
          given.connect !== connect && {
            connect: timedTunnel(given.connect, connectTimeoutMs, environment),
          }),
      }),
  };
  const agent =
    proxy === true
      ? new EnvHttpProxyAgent(proxied)
      : new ProxyAgent({ ...proxied, uri: proxy, ...tokenFor(proxy) });
  return agent.compose(groupHeaders);
}

/** undici sends no credentials where the password, or the name, is empty. */
function tokenFor(proxy: string): { token?: string } {
  const { username, password } = new URL(proxy);
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { token: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Of lines with the same name undici's proxy agents would keep the last alone. */
const groupHeaders: Dispatcher.DispatcherComposeInterceptor =
  (dispatch) => (options, handler) => {
    const { headers } = options;
    if (!Array.isArray(headers)) return dispatch(options, handler);
    const grouped: Record<string, string | string[]> = Object.create(
      null,
    ) as never;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      const value = headers[i + 1] as string;
      const known = grouped[name];
      grouped[name] = known === undefined ? value : [known, value].flat();
    }
    return dispatch({ ...options, headers: grouped }, handler);
  };

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
