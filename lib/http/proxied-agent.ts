/** The connections of one dependency that are made through a proxy. */
import { EnvHttpProxyAgent, ProxyAgent } from 'undici';
import type { buildConnector, Dispatcher, Pool } from 'undici';
import type { HttpSettings, TransportEnvironment } from './http-options.js';
import type { Pools } from './pool.js';
import { timedTunnel } from './tunnel.js';

/** Of all connections, however they are made. */
interface PoolOptions {
  readonly connections: number;
  readonly connect: buildConnector.connector;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

/** `true` = the proxy that the environment names, for what it names it for. */
export function proxiedAgent(
  proxy: string | true,
  options: PoolOptions,
  tls: HttpSettings['tls'],
  connectTimeoutMs: number,
  environment: TransportEnvironment,
  pools: Pools,
): Dispatcher {
  const { connect } = options;
  const beyond = new Set<Pool>();
  const proxied = {
    ...options,
    requestTls: { ...tls, timeout: connectTimeoutMs },
    proxyTls: { timeout: connectTimeoutMs },
    // Plain http goes through a proxy in absolute form, as curl and axios do; https is tunnelled.
    proxyTunnel: false,
    // The pool to an http proxy gets its options from here alone.
    clientFactory: (origin: URL, { connect: way }: Pool.Options) =>
      closingAfter(beyond, pools.make(origin, { ...options, connect: way })),
    factory: (origin: string | URL, { connect: way }: Pool.Options) => {
      // Where the environment names no proxy it is ours.
      const isTunnel = typeof way === 'function' && way !== connect;
      const pool = pools.make(origin, {
        ...options,
        connect: isTunnel
          ? timedTunnel(way, connectTimeoutMs, environment)
          : way,
      });
      for (const one of beyond) if (one.destroyed) beyond.delete(one);
      beyond.add(pool);
      return pool;
    },
  };
  const agent =
    proxy === true
      ? new EnvHttpProxyAgent(proxied)
      : new ProxyAgent({ ...proxied, uri: proxy, ...tokenFor(proxy) });
  return agent.compose(groupHeaders);
}

/**
 * Has the connections to a proxy close after those that lead through it: requests that wait may need
 * another one.
 */
function closingAfter(beyond: ReadonlySet<Pool>, proxy: Pool): Pool {
  const close: (callback?: () => void) => Promise<void> =
    proxy.close.bind(proxy);
  const closeLast = async (): Promise<void> => {
    await Promise.allSettled([...beyond].map((pool) => pool.close()));
    if (!proxy.destroyed) await close();
  };
  // undici itself comes by here again, with a callback.
  proxy.close = (callback?: () => void): Promise<void> =>
    callback === undefined ? closeLast() : close(callback);
  return proxy;
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
