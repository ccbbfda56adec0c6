import type { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import type { HttpSettings, TransportEnvironment } from './http-options.js';

type Connector = buildConnector.connector;

/**
 * undici's connector under our own timer. undici counts connect timeouts in ticks of half a second,
 * so one of 100 ms could take a whole one; ours covers name lookup, TCP and TLS to the millisecond.
 */
export function timedConnector(
  tls: HttpSettings['tls'],
  socketPath: string | undefined,
  timeoutMs: number,
  { startTimer }: TransportEnvironment,
): Connector {
  const way = socketPath === undefined ? undefined : { socketPath };
  const connect = buildConnector({ ...tls, ...way, timeout: 0 });
  return (options, callback) => {
    const stopTimer = startTimer(timeoutMs, () =>
      socket.destroy(new errors.ConnectTimeoutError()),
    );
    const done: buildConnector.Callback = (...outcome) => {
      stopTimer();
      callback(...outcome);
    };
    // undici would take it from the Host header.
    const named =
      tls?.servername === undefined
        ? options
        : { ...options, servername: tls.servername };
    // Its types leave out that it returns the socket.
    const socket = connect(named, done) as unknown as Socket;
  };
}
