/**
 * Hosts by DNS: the addresses of a name, or the targets of a service, asked again when their time to
 * live is over.
 */
import { isIP } from 'node:net';
import { RuleCheck } from '../circuit/rule-check.js';
import { isHostName } from '../core/host-setting.js';
import {
  found,
  isAbsent,
  LEAST_TTL_MS,
  lookUp,
  lookUpEach,
  type Addresses,
  SystemResolver,
  type DnsResolver,
} from './dns-lookup.js';
import type { HostSource } from './host-source.js';

export type { DnsResolver };

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
/** Records of weight 0 are there to be asked hardly ever. */
const HARDLY = 0.1;

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
  private readonly asking = new Set<SystemResolver>();
  private watchers = 0;
  private readonly hostName: string;

  constructor(private readonly options: DnsHostsOptions) {
    this.hostName = withoutRoot(options.name).replace(/^(?:_[^.]+\.)+/, '');
  }

  get refreshMs(): number {
    return this.options.refreshMs ?? this.ttlMs;
  }

  async hosts(): Promise<FoundHost[]> {
    const { resolver } = this.options;
    if (resolver !== undefined) return this.ask(resolver);
    // Made anew, so that it knows the system's servers of today.
    const own = new SystemResolver();
    this.asking.add(own);
    try {
      return await this.ask(own);
    } finally {
      this.asking.delete(own);
    }
  }

  /** Tells nothing: when the last one has let go, a question under way is not to hold the process. */
  watch(): () => void {
    this.watchers += 1;
    return () => {
      this.watchers -= 1;
      if (this.watchers > 0) return;
      for (const resolver of this.asking) resolver.cancel();
    };
  }

  private async ask(resolver: DnsResolver): Promise<FoundHost[]> {
    const { name, type, port, protocol } = this.options;
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
    const records = found('SRV', name, await resolver.resolveSrv(name));
    // A target of nothing but the root says that the service is not there.
    const targets = records.filter((target) => !/^\.?$/.test(target.name));
    const priorities = [...new Set(targets.map(({ priority }) => priority))];
    const failures: unknown[] = [];
    for (const priority of priorities.toSorted((a, b) => a - b)) {
      const group = targets.filter((target) => target.priority === priority);
      try {
        return await this.ofTargets(resolver, group);
      } catch (error) {
        failures.push(error);
        // Out of sight for a moment is no reason to leave for those of the next priority.
        if (group.some((target) => this.known.has(target.name))) break;
      }
    }
    if (failures.length > 0) throw failures[0];
    return [];
  }

  /** Rejects if no target has answered. */
  private async ofTargets(
    resolver: DnsResolver,
    targets: readonly Target[],
  ): Promise<FoundHost[]> {
    const names = [...new Set(targets.map((target) => target.name))];
    const looked = await lookUpEach(resolver, names);
    const answers = looked.flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    );
    const known = new Map<string, readonly string[]>();
    for (const [index, name] of names.entries())
      this.remember(name, looked[index]!, known);
    if (answers.length === 0) {
      for (const name of names) if (!known.has(name)) this.known.delete(name);
      throw looked.find((each) => each.status === 'rejected')?.reason;
    }
    this.known = known;
    this.ttlMs = Math.min(...answers.map(({ ttlMs }) => ttlMs));
    const hosts = targets.flatMap(({ name, port, weight }) => {
      const addresses = this.known.get(name) ?? [];
      const share = (weight || HARDLY) / addresses.length;
      return this.hostsAt(addresses, port, share);
    });
    return eachOnce(hosts);
  }

  /** One whose servers are out of order keeps the addresses that it had. */
  private remember(
    name: string,
    looked: PromiseSettledResult<Addresses>,
    known: Map<string, readonly string[]>,
  ): void {
    const addresses =
      looked.status === 'fulfilled'
        ? looked.value.addresses
        : isAbsent(looked.reason)
          ? undefined
          : this.known.get(name);
    if (addresses !== undefined) known.set(name, addresses);
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

/** Two targets may be one server under two names: it gets the part of both. */
function eachOnce(hosts: readonly FoundHost[]): FoundHost[] {
  const byUrl = new Map<string, FoundHost>();
  for (const host of hosts) {
    const weight = (byUrl.get(host.url)?.weight ?? 0) + host.weight;
    byUrl.set(host.url, { ...host, weight });
  }
  return [...byUrl.values()];
}

/** `payments.internal.` says to DNS that it is whole; `Host` and certificates are without the point. */
function withoutRoot(name: string): string {
  return name.replace(/\.$/, '');
}

function check(options: DnsHostsOptions): void {
  const rule = new RuleCheck('dnsHosts');
  rule.names(options, NAMES);
  const { name, type, refreshMs, port, protocol, resolver } = options;
  const plain = typeof name === 'string' ? withoutRoot(name) : name;
  if (!isHostName(plain) || isIP(plain) !== 0)
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
