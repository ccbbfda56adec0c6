/**
 * Questions to DNS: the addresses of one name, or of the targets of a service.
 */

import { Resolver } from 'node:dns/promises';

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

/** Asks the system's servers, twice for 2 s, until it is cancelled. */
export class SystemResolver implements DnsResolver {
  private readonly resolver = new Resolver({ timeout: 2_000, tries: 2 });
  private readonly end = new AbortController();

  async resolve4(
    name: string,
    options: { ttl: true },
  ): ReturnType<DnsResolver['resolve4']> {
    this.end.signal.throwIfAborted();
    return this.resolver.resolve4(name, options);
  }

  async resolve6(
    name: string,
    options: { ttl: true },
  ): ReturnType<DnsResolver['resolve6']> {
    this.end.signal.throwIfAborted();
    return this.resolver.resolve6(name, options);
  }

  async resolveSrv(name: string): ReturnType<DnsResolver['resolveSrv']> {
    this.end.signal.throwIfAborted();
    return this.resolver.resolveSrv(name);
  }

  /** What is asked ends now, and nothing is asked any more. */
  cancel(): void {
    this.end.abort();
    this.resolver.cancel();
  }
}

export interface Addresses {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

export const LEAST_TTL_MS = 1_000;
const MOST_TTL_MS = 300_000;
const MOST_AT_ONCE = 50;
/** There is no such record, which no second question changes. */
const ABSENT: readonly unknown[] = ['ENODATA', 'ENOTFOUND'];

export async function lookUp(
  resolver: DnsResolver,
  type: 'A' | 'AAAA',
  name: string,
): Promise<Addresses> {
  const answer =
    type === 'A'
      ? await resolver.resolve4(name, { ttl: true })
      : await resolver.resolve6(name, { ttl: true });
  const records = found(type, name, answer);
  const ttlMs = 1_000 * Math.min(...records.map(({ ttl }) => ttl));
  return {
    addresses: [...new Set(records.map(({ address }) => address))],
    ttlMs: Math.min(Math.max(ttlMs, LEAST_TTL_MS), MOST_TTL_MS),
  };
}

/**
 * An alias (CNAME) that leads to no such record is answered by nothing, and without an error. Nobody has
 * taken the hosts away by that.
 */
export function found<R>(
  type: 'A' | 'AAAA' | 'SRV',
  name: string,
  records: readonly R[],
): readonly R[] {
  if (records.length > 0) return records;
  const error = new Error(`query${type} ENODATA ${name}`);
  throw Object.assign(error, { code: 'ENODATA', syscall: `query${type}` });
}

/** A few at a time: of a burst of hundreds of packets half are lost, and those hosts with them. */
export async function lookUpEach(
  resolver: DnsResolver,
  names: readonly string[],
): Promise<PromiseSettledResult<Addresses>[]> {
  const looked: PromiseSettledResult<Addresses>[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < names.length) {
      const index = next++;
      const lookUps = [lookUpAny(resolver, names[index]!)];
      [looked[index]] = (await Promise.allSettled(lookUps)) as [never];
    }
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, work));
  return looked;
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

export function isAbsent(error: unknown): boolean {
  return ABSENT.includes((error as { code?: unknown } | undefined)?.code);
}
