/**
 * Hosts by DNS: the addresses of a name, or the targets of a service, asked again when their time to
 * live is over.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { RuleCheck } from '../circuit/rule-check.js';
import { isHostName } from '../core/host-setting.js';
import type { HostSource } from './host-source.js';

/** What is asked of DNS; a `Resolver` of `node:dns/promises` is one. @publicApi */
export interface DnsResolver {
  resolve4(
    name: string,
    options: { ttl: true },
  ): Promise<{ readonly address: string; readonly ttl: number }[]>;
  resolve6(
    name: string,
    options: { ttl: true },
  ): Promise<{ readonly address: string; readonly ttl: number }[]>;
  resolveSrv(name: string): Promise<
    {
      readonly name: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
    }[]
  >;
}

/** @publicApi */
export interface DnsHostsOptions {
  /** Of a host, or of a service as in `_http._tcp.payments.internal`. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
  /** @default the time to live of what was answered, at least 1 s and at most 5 minutes */
  readonly refreshMs?: number | undefined;
  /** Of A and AAAA; an SRV record names its own. @default 443 for https, else 80 */
  readonly port?: number | undefined;
  /** @default https on port 443 and for `_https` services, else http */
  readonly protocol?: 'http' | 'https' | undefined;
  /** @default one that asks the system's servers, twice for 2 s */
  readonly resolver?: DnsResolver | undefined;
}

interface FoundHost {
  readonly url: string;
  readonly weight: number;
  readonly name: string;
}

/** One SRV record, as far as it says where to go. */
interface Target {
  readonly name: string;
  readonly port: number;
  readonly weight: number;
}

const NAMES = ['name', 'type', 'refreshMs', 'port', 'protocol', 'resolver'];
const TYPES: readonly unknown[] = ['A', 'AAAA', 'SRV'];
const PROTOCOLS: readonly unknown[] = [undefined, 'http', 'https'];
const LEAST_TTL_MS = 1_000;
const MOST_TTL_MS = 300_000;
/** Records of weight 0 are there to be asked hardly ever. */
const HARDLY = 0.1;
/** There is no such record, which no second question changes. */
const ABSENT: readonly unknown[] = ['ENODATA', 'ENOTFOUND'];

/**
 * A source of hosts that asks DNS. The name stays what the hosts are called: it is sent as `Host` and
 * is what their certificates are checked against, of a service what follows its `_service._proto`.
 *
 * Shape:  A, AAAA → a host for each address. SRV → a host for each address (A, else AAAA) of the
 *         targets of the lowest priority that has one, the weight of a target shared among its
 *         addresses.
 * Errors: DaceConfigurationError where it is made; no such name, no such record, a server that fails
 *         or does not answer: the last list stays.
 * @example createDependency('search', { hosts: dnsHosts({ name: 'search.internal', type: 'A', port: 9200 }) })
 * @publicApi
 */
export function dnsHosts(options: DnsHostsOptions): HostSource {
  check(options);
  return new DnsHosts(options);
}

class DnsHosts implements HostSource {
  private ttlMs = LEAST_TTL_MS;
  /** Addresses of targets when they were last answered. */
  private known = new Map<string, readonly string[]>();
  private readonly hostName: string;

  constructor(private readonly options: DnsHostsOptions) {
    this.hostName = options.name.replace(/^(?:_[^.]+\.)+/, '');
  }

  get refreshMs(): number {
    return this.options.refreshMs ?? this.ttlMs;
  }

  async hosts(): Promise<FoundHost[]> {
    const { name, type, port, protocol } = this.options;
    // Made anew, so that it knows the system's servers of today.
    const resolver =
      this.options.resolver ?? new Resolver({ timeout: 2_000, tries: 2 });
    if (type === 'SRV') return this.ofService(resolver, name);
    const { addresses, ttlMs } = await lookUp(resolver, type, name);
    this.ttlMs = ttlMs;
    const usual = protocol === 'https' ? 443 : 80;
    return this.hostsAt(addresses, port ?? usual, 1);
  }

  private async ofService(
    resolver: DnsResolver,
    name: string,
  ): Promise<FoundHost[]> {
    const records = await resolver.resolveSrv(name);
    // A target of nothing but the root says that the service is not there.
    const targets = records.filter((target) => !/^\.?$/.test(target.name));
    const priorities = [...new Set(targets.map(({ priority }) => priority))];
    let failure: unknown;
    for (const priority of priorities.toSorted((a, b) => a - b)) {
      const group = targets.filter((target) => target.priority === priority);
      try {
        return await this.ofTargets(resolver, group);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return [];
  }

  /** Rejects if no target has answered. */
  private async ofTargets(
    resolver: DnsResolver,
    targets: readonly Target[],
  ): Promise<FoundHost[]> {
    const names = [...new Set(targets.map((target) => target.name))];
    const looked = await Promise.allSettled(
      names.map((name) => lookUpAny(resolver, name)),
    );
    const answers = looked.flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    );
    if (answers.length === 0)
      throw looked.find((each) => each.status === 'rejected')?.reason;
    const before = this.known;
    this.known = new Map();
    for (const [index, name] of names.entries())
      this.remember(name, looked[index]!, before);
    this.ttlMs = Math.min(...answers.map(({ ttlMs }) => ttlMs));
    return targets.flatMap(({ name, port, weight }) => {
      const addresses = this.known.get(name) ?? [];
      const share = (weight || HARDLY) / addresses.length;
      return this.hostsAt(addresses, port, share);
    });
  }

  /** One whose servers are out of order keeps the addresses that it had. */
  private remember(
    name: string,
    looked: PromiseSettledResult<Addresses>,
    before: ReadonlyMap<string, readonly string[]>,
  ): void {
    const addresses =
      looked.status === 'fulfilled'
        ? looked.value.addresses
        : isAbsent(looked.reason)
          ? undefined
          : before.get(name);
    if (addresses !== undefined) this.known.set(name, addresses);
  }

  private hostsAt(
    addresses: readonly string[],
    port: number,
    weight: number,
  ): FoundHost[] {
    const { name, type, protocol } = this.options;
    const isSecure =
      port === 443 || (type === 'SRV' && name.startsWith('_https.'));
    const scheme = protocol ?? (isSecure ? 'https' : 'http');
    return addresses.map((address) => ({
      url: `${scheme}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`,
      weight,
      name: this.hostName,
    }));
  }
}

interface Addresses {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

async function lookUp(
  resolver: DnsResolver,
  type: 'A' | 'AAAA',
  name: string,
): Promise<Addresses> {
  const records =
    type === 'A'
      ? await resolver.resolve4(name, { ttl: true })
      : await resolver.resolve6(name, { ttl: true });
  const ttlMs = 1_000 * Math.min(...records.map(({ ttl }) => ttl));
  return {
    addresses: [...new Set(records.map(({ address }) => address))],
    ttlMs: Math.min(Math.max(ttlMs, LEAST_TTL_MS), MOST_TTL_MS),
  };
}

async function lookUpAny(
  resolver: DnsResolver,
  name: string,
): Promise<Addresses> {
  try {
    return await lookUp(resolver, 'A', name);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return lookUp(resolver, 'AAAA', name);
  }
}

function isAbsent(error: unknown): boolean {
  return ABSENT.includes((error as { code?: unknown } | undefined)?.code);
}

function check(options: DnsHostsOptions): void {
  const rule = new RuleCheck('dnsHosts');
  rule.names(options, NAMES);
  const { name, type, refreshMs, port, protocol, resolver } = options;
  if (!isHostName(name) || isIP(name) !== 0)
    rule.fail('name', 'expected a name such as "search.internal"', name);
  if (!TYPES.includes(type))
    rule.fail('type', "expected 'A', 'AAAA' or 'SRV'", type);
  if (refreshMs !== undefined) rule.time('refreshMs', refreshMs, 1);
  if (port !== undefined) rule.count('port', port, 1, 65_535);
  if (port !== undefined && type === 'SRV')
    rule.fail('port', 'expected none: an SRV record names its own', port);
  if (!PROTOCOLS.includes(protocol))
    rule.fail('protocol', "expected 'http' or 'https'", protocol);
  if (resolver !== undefined && !isResolver(resolver))
    rule.fail('resolver', 'expected a Resolver of node:dns/promises', resolver);
}

function isResolver(value: unknown): boolean {
  const methods = ['resolve4', 'resolve6', 'resolveSrv'] as const;
  return methods.every(
    (name) =>
      typeof (value as Partial<DnsResolver> | null)?.[name] === 'function',
  );
}
