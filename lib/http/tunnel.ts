/** A connection that a proxy makes for us. */
import { errors } from 'undici';
import type { buildConnector } from 'undici';
import type { TransportEnvironment } from './http-options.js';

type Connector = buildConnector.connector;

/** What a proxy does instead of making a connection, in undici's words. */
const NO_TUNNEL: ReadonlyMap<unknown, string> = new Map([
  ['UND_ERR_ABORTED', 'ERR_NETWORK'],
  ['UND_ERR_SOCKET', 'ECONNRESET'],
  ['ECONNRESET', 'ECONNRESET'],
  ['EPIPE', 'ECONNRESET'],
]);

/**
 * undici's way through a proxy under our own timer, which covers the proxy's answer to `CONNECT` as
 * well: a proxy that takes connections and says nothing would hold every connection of the pool.
 */
export function timedTunnel(
  connect: Connector,
  timeoutMs: number,
  { startTimer }: TransportEnvironment,
): Connector {
  return (options, callback) => {
    const controller = new AbortController();
    let isOver = false;
    const end: buildConnector.Callback = (...[error, socket]) => {
      if (isOver) {
        socket?.destroy();
        return;
      }
      isOver = true;
      stopTimer();
      if (error === null) callback(null, socket);
      else callback(notMade(error), null);
    };
    const stopTimer = startTimer(timeoutMs, () => {
      const error = new errors.ConnectTimeoutError();
      end(error, null);
      controller.abort(error);
    });
    // Its types leave the signal out, which the proxy agents of undici hand on.
    const bounded = { ...options, signal: controller.signal };
    connect(bounded, end);
  };
}

/**
 * Nothing has reached the dependency where a proxy refuses or hangs up. undici calls it aborted, as
 * if the caller had given up, or a socket that closed, for which it asks again without end.
 */
function notMade(error: Error): Error {
  const code = NO_TUNNEL.get((error as { code?: unknown }).code);
  const isParsers = error.name === 'HTTPParserError';
  if (code === undefined && !isParsers) return error;
  return Object.assign(new Error(error.message, { cause: error }), {
    code: code ?? 'ERR_NETWORK',
    syscall: 'connect',
  });
}
