/** What a plain Node program does with `nestjs-dace/core`. */
import {
  consecutiveFailures,
  createDependency,
  Dependency,
  errorCount,
  failureRatio,
  failuresOnly,
  firstFailure,
  isDaceError,
  probes,
  type Call,
  type Clock,
  type DaceEvent,
  type DependencyOptions,
  type DependencySnapshot,
  type Http,
  type LoadBalancer,
  type Permit,
  type TripRule,
} from 'nestjs-dace/core';

interface Hits {
  readonly hits: readonly string[];
}

declare const clock: Clock;
/** As configuration comes: perhaps not there. */
declare const configured: number | undefined;

const never: TripRule = { name: 'never', trips: () => false };
const first: LoadBalancer = { pick: (hosts) => hosts[0]! };

export const options: DependencyOptions = {
  enabled: () => true,
  hosts: [
    'http://a',
    new URL('http://b'),
    { url: 'http://c', weight: configured },
  ],
  loadBalancer: first,
  classify: failuresOnly(TypeError),
  timeoutMs: configured,
  attemptTimeoutMs: false,
  expectedInMs: configured,
  retry: {
    attempts: configured,
    on: [TypeError, RangeError],
    backoff: { delayMs: 10, maxDelayMs: configured, jitter: 'full' },
    budget: { ratio: configured },
  },
  circuit: {
    trip: [
      failureRatio({ ratio: 0.5, windowMs: configured }),
      errorCount({ maxFail: configured }),
      consecutiveFailures(3),
      firstFailure(),
      never,
    ],
    recovery: probes({ calls: 2, successes: configured }),
    resetBackoff: { factor: configured },
  },
  rateLimit: { limit: 10, intervalMs: 1_000 },
  http: {
    headers: { 'x-team': 'search' },
    onRequest: (config) => {
      config.headers.set('x-request', '1');
    },
    onResponse: (response) => response,
  },
};

export const search: Dependency = createDependency('search', options, {
  clock,
  random: () => 0.5,
  onEvent: (event: DaceEvent) => event.dependencyId,
});

export async function find(q: string): Promise<Hits> {
  const found = await search.execute(
    async (call: Call) => {
      const { data } = await call.http.get<Hits>('/find', { params: { q } });
      return data;
    },
    { fallback: { hits: [] }, timeoutMs: configured, signal: undefined },
  );
  return found;
}

export const wrapped: (q: string) => Promise<Hits> = search.wrap(find);

export async function send(http: Http, body: object): Promise<number> {
  try {
    const { status } = await http.post('/', body);
    return status;
  } catch (error) {
    if (isDaceError(error, 'DACE_CIRCUIT_OPEN')) return error.statusCode;
    throw error;
  }
}

export function pass(): DependencySnapshot {
  using permit: Permit = search.acquire({ netloc: 'a:80' });
  permit.success();
  const stop = search.on((event) => event.type);
  search.configure({ retry: false });
  search.control('forced-open');
  stop();
  return search.snapshot();
}
