/**
 * Five hosts for `balance.mjs`, in a process of their own: 127.0.0.1 to 127.0.0.5 on one port. The
 * first can be told to misbehave; each counts the requests of every contender.
 */
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const HOSTS = 5;
const ANSWER_MS = 5;
const SLOW_MS = 300;

let mode = 'healthy';
/** Requests by contender, one number for each host. */
let counts = {};

const answers = {
  healthy: (response) => setTimeout(() => response.end('ok'), ANSWER_MS),
  failing: (response) => {
    response.statusCode = 500;
    response.end('failed');
  },
  resetting: (response) => response.socket.resetAndDestroy(),
  hanging: () => {},
  slow: (response) => setTimeout(() => response.end('ok'), SLOW_MS),
};

const listen = (host, port) =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      const contender = request.headers['x-contender'];
      (counts[contender] ??= new Array(HOSTS).fill(0))[host] += 1;
      answers[host === 0 ? mode : 'healthy'](response);
    });
    server.listen(port, `127.0.0.${host + 1}`, () =>
      resolve(server.address().port),
    );
  });

const port = await listen(0, 0);
for (let host = 1; host < HOSTS; host++) await listen(host, port);

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('message', (message) => {
  if (message.mode !== undefined) mode = message.mode;
  process.send({ counts, stoodStillMs: delay.max / 1e6 });
  counts = {};
  delay.reset();
});
process.on('disconnect', () => process.exit(0));
process.send({ port });
