/**
 * What somebody meant who wrote a name that is no option: another library's word, an option of
 * another level, or a slip of the pen.
 */
import { distance } from 'fastest-levenshtein';
import { REFUSED_NAMES } from './option-text.js';
import { CALL, DEPENDENCY, isLevel, type Level } from './option-levels.js';

/** Words of other libraries by level, without case and separators; the value is what to write. */
const SYNONYMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    timeout: 'timeoutMs',
    deadline: 'timeoutMs',
    deadlinems: 'timeoutMs',
    attempttimeout: 'attemptTimeoutMs',
    expectedin: 'expectedInMs',
    retries: 'retry',
    retryattempts: 'retry.attempts',
    maxretries: 'retry.attempts',
    maxattempts: 'retry.attempts',
    retrycount: 'retry.attempts',
    retryontimeout: 'retry.onTimeout',
    retrydelay: 'retry.backoff.delayMs',
    retrydelayms: 'retry.backoff.delayMs',
    breaker: 'circuit',
    circuitbreaker: 'circuit',
    resettimeout: 'circuit.resetTimeoutMs',
    circuitresettimeout: 'circuit.resetTimeoutMs',
    circuitresettimeoutms: 'circuit.resetTimeoutMs',
    halfopenafter: 'circuit.resetTimeoutMs',
    breakdurationms: 'circuit.resetTimeoutMs',
    maxopen: 'maxOpenPerNetloc',
    bulkhead: 'maxOpenPerNetloc',
    concurrency: 'maxOpenPerNetloc',
    maxconcurrent: 'maxOpenPerNetloc',
    maxconcurrency: 'maxOpenPerNetloc',
    maxconcurrentcalls: 'maxOpenPerNetloc',
    capacity: 'maxOpenPerNetloc',
    queue: 'maxQueuedPerNetloc',
    maxqueue: 'maxQueuedPerNetloc',
    maxqueued: 'maxQueuedPerNetloc',
    queuesize: 'maxQueuedPerNetloc',
    queuetimeout: 'queueTimeoutMs',
    ratelimiter: 'rateLimit',
    throttle: 'rateLimit',
    url: 'hosts',
    urls: 'hosts',
    uri: 'hosts',
    baseurl: 'hosts',
    host: 'hosts',
    endpoint: 'hosts',
    endpoints: 'hosts',
    servers: 'hosts',
    nodes: 'hosts',
    balancer: 'loadBalancer',
    balancing: 'loadBalancer',
    lb: 'loadBalancer',
    strategy: 'loadBalancer',
    errorfilter: 'classify',
    isfailure: 'classify',
    exceptioninspector: 'classify',
    required: 'critical',
    httppoolsize: 'http.poolSize',
    connecttimeout: 'http.connectTimeoutMs',
    useproxy: 'http.proxy',
    contextfactory: 'http.tls',
    ssl: 'http.tls',
    gracems: 'shutdownGraceMs',
    shutdowntimeoutms: 'shutdownGraceMs',
  },
  retry: {
    retries: 'retry.attempts',
    maxretries: 'retry.attempts',
    maxattempts: 'retry.attempts',
    times: 'retry.attempts',
    count: 'retry.attempts',
    limit: 'retry.attempts',
    delay: 'retry.backoff.delayMs',
    initialdelay: 'retry.backoff.delayMs',
    maxdelay: 'retry.backoff.maxDelayMs',
    timeout: 'retry.onTimeout',
    if: 'retry.on',
    when: 'retry.on',
    retryif: 'retry.on',
    retryon: 'retry.on',
  },
  'retry.backoff': {
    initialdelay: 'retry.backoff.delayMs',
    initialdelayms: 'retry.backoff.delayMs',
    base: 'retry.backoff.factor',
    exponent: 'retry.backoff.factor',
    multiplier: 'retry.backoff.factor',
    max: 'retry.backoff.maxDelayMs',
    maxms: 'retry.backoff.maxDelayMs',
  },
  circuit: {
    timeout: 'circuit.resetTimeoutMs',
    timeoutms: 'circuit.resetTimeoutMs',
    halfopenafter: 'circuit.resetTimeoutMs',
    durationms: 'circuit.resetTimeoutMs',
    breaker: 'circuit.trip',
    rules: 'circuit.trip',
    rule: 'circuit.trip',
    backoff: 'circuit.resetBackoff',
    probes: 'circuit.recovery',
    halfopen: 'circuit.recovery',
  },
  rateLimit: {
    interval: 'rateLimit.intervalMs',
    window: 'rateLimit.intervalMs',
    windowms: 'rateLimit.intervalMs',
    ttl: 'rateLimit.intervalMs',
    max: 'rateLimit.limit',
    rate: 'rateLimit.limit',
  },
  http: {
    timeout: 'timeoutMs',
    baseurl: 'hosts',
    maxsockets: 'http.poolSize',
    connections: 'http.poolSize',
    ca: 'http.tls.ca',
    cert: 'http.tls.cert',
    key: 'http.tls.key',
    rejectunauthorized: 'http.tls.rejectUnauthorized',
    httpsagent: 'http.tls',
  },
};

/** What opens a circuit is a rule here, wherever the number was written. */
const RULES: Readonly<Record<string, string>> = {
  errorthresholdpercentage:
    'circuit: { trip: failureRatio({ ratio }) }, with 0.5 for 50 %',
  errorratio: 'circuit: { trip: failureRatio({ ratio }) }',
  failureratio: 'circuit: { trip: failureRatio({ ratio }) }',
  threshold: 'circuit: { trip: failureRatio({ ratio }) }',
  volumethreshold: 'circuit: { trip: failureRatio({ minimumCalls }) }',
  minimumcalls: 'circuit: { trip: failureRatio({ minimumCalls }) }',
  rollingcounttimeout: 'circuit: { trip: failureRatio({ windowMs }) }',
  maxfail: 'circuit: { trip: errorCount({ maxFail, windowMs }) }',
  maxfailures: 'circuit: { trip: errorCount({ maxFail, windowMs }) }',
  timeunit: 'circuit: { trip: errorCount({ maxFail, windowMs }) }',
  consecutivefailures: 'circuit: { trip: consecutiveFailures(count) }',
};

/** Words that belong to something else altogether. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  isglobal: 'it is an option of the module',
  store: 'it is an option of the module',
  sinks: 'it is an option of the module',
  filter: 'it is an option of the module',
  defaults: 'it is an option of the module',
  statsd: 'it is an option of the module',
  logger: 'it is an option of the module',
  clock: 'it is an option of the module',
  random: 'it is an option of the module',
  id: 'the id is the key that the options stand under',
  name: 'the name is the key that the options stand under',
  dependencyid: 'the id is the key that the options stand under',
};

/**
 * What is wrong with a name that is no option of its level.
 *
 * Shape:  (name, level it was written in, that level's path, options of a call or a dependency,
 *         what stands before every path) → a sentence without its full stop.
 */
export function nameProblem(
  name: string,
  level: Level,
  path: string,
  root: Level,
  prefix: string,
): string {
  const full = prefix + below(path, name);
  if (REFUSED_NAMES.has(name))
    return `option "${full}" is refused: it is no name`;
  return `unknown option "${full}": ${advice(name, level, path, root)}`;
}

function advice(name: string, level: Level, path: string, root: Level): string {
  const word = name.toLowerCase().replace(/[\s_.-]/g, '');
  const synonym = own(SYNONYMS[path], word);
  if (synonym !== undefined && exists(root, synonym))
    return `did you mean "${synonym}"?`;
  const rule = own(RULES, word);
  if (rule !== undefined && root === DEPENDENCY) return `write ${rule}`;
  const elsewhere = path === '' ? own(ELSEWHERE, word) : undefined;
  if (elsewhere !== undefined) return elsewhere;
  const right = levelsWith(root, name);
  if (right.length > 0) return `it belongs in ${right.join(' or ')}`;
  const other = root === CALL ? DEPENDENCY : CALL;
  if (path === '' && Object.hasOwn(other.entries, name))
    return other === CALL
      ? 'it is an option of one call'
      : 'it is an option of the dependency, not of one call';
  return nearest(name, level, path, root);
}

function nearest(
  name: string,
  level: Level,
  path: string,
  root: Level,
): string {
  const here = Object.keys(level.entries);
  const close = closest(name, here);
  if (close !== undefined) return `did you mean "${below(path, close)}"?`;
  const all = namesOf(root, '');
  const far = closest(name, [...all.keys()]);
  if (far !== undefined) return `did you mean "${all.get(far)}"?`;
  return `known are ${here.join(', ')}`;
}

/** The name with the fewest slips, if a reader would call it the same. */
function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Infinity;
  for (const other of known) {
    const slips = distance(name.toLowerCase(), other.toLowerCase());
    const most = Math.max(1, Math.floor(other.length / 3));
    if (slips > most || slips >= fewest) continue;
    best = other;
    fewest = slips;
  }
  return best;
}

/** Paths of the levels below `root` that have an option of this name. */
function levelsWith(root: Level, name: string, path = ''): string[] {
  return Object.entries(root.entries).flatMap(([key, entry]) => {
    if (!isLevel(entry)) return [];
    const inside = below(path, key);
    const deeper = levelsWith(entry, name, inside);
    return Object.hasOwn(entry.entries, name) ? [inside, ...deeper] : deeper;
  });
}

/** Every name below `root` with its path; of two the one nearer to the root. */
function namesOf(root: Level, path: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [key, entry] of Object.entries(root.entries)) {
    names.set(key, below(path, key));
    if (!isLevel(entry)) continue;
    for (const [name, full] of namesOf(entry, below(path, key)))
      if (!names.has(name)) names.set(name, full);
  }
  return names;
}

function exists(root: Level, path: string): boolean {
  const [first = ''] = path.split('.');
  return Object.hasOwn(root.entries, first);
}

function own(
  words: Readonly<Record<string, string>> | undefined,
  word: string,
): string | undefined {
  return words !== undefined && Object.hasOwn(words, word)
    ? words[word]
    : undefined;
}

export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
