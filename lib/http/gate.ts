/**
 * The one gate that every request passes, whichever face sends it: `http`, `agent`, a redirect or
 * `HttpService`. A name that came in with a user's data must not turn a call to a dependency into a
 * call to somebody else (server-side request forgery), nor climb out of the path it was given.
 */
import { DaceForeignHostError } from '../core/errors.js';
import type { AttemptScope } from './attempt-scope.js';
import type { HttpHost } from './http-options.js';

/** Where a request goes, after the gate. */
export interface Target {
  /** As `URL.origin` writes it. */
  readonly origin: string;
  /** Path and query as they stand on the wire. */
  readonly path: string;
  /** One of the dependency's own hosts: default headers and client certificate may go along. */
  readonly isOwn: boolean;
  /** For the `Host` header, where it is not that of the origin. */
  readonly authority?: string | undefined;
}

/** The parts of an axios config that say where to. */
export interface Address {
  readonly url?: string;
  readonly baseURL?: string;
  readonly allowAbsoluteUrls?: boolean;
}

interface Base {
  readonly origin: string;
  /** No trailing slash; empty at the root. */
  readonly path: string;
  /** For the `Host` header, and the origin that it makes, where the URL holds an address. */
  readonly authority?: string | undefined;
  readonly named?: string | undefined;
}

/** Paths that `new URL` would hand back as they are: the common case, judged without it. */
const PLAIN_PATH = /^\/(?!\/)[\w\-~!$&()*+,;=:@%/.?]*$/;
const NEEDS_CARE = /\/\.|%(?:2[ef]|5c)|\?$/i;

// oxlint-disable-next-line no-control-regex -- line breaks and NUL are what this is about
const CONTROL = /[\0-\x1f\x7f]/;
const SCHEME = /^[a-z][a-z\d+.-]*:/i;
const ABSOLUTE = /^https?:\/\/[^/\\?#]/i;
const ENCODED_TRAVERSAL = /(?:^|[/\\])\.\.(?:[/\\]|$)/;
/** `..;x` is `..` to servers that read parameters of path segments, as those of Java do. */
const TRAVERSAL_WITH_PARAMETER = /(?:^|[/\\])\.\.;/;

export class Gate {
  private bases = new Map<string, Base>();
  private origins = new Map<string, Base>();
  private isListed = false;

  constructor(
    private readonly dependencyId: string,
    hosts: readonly HttpHost[],
    private allowOtherHosts: boolean,
    isListed?: boolean,
  ) {
    this.configure(hosts, allowOtherHosts, isListed);
  }

  configure(
    hosts: readonly HttpHost[],
    allowOtherHosts: boolean,
    isListed = false,
  ): void {
    this.allowOtherHosts = allowOtherHosts;
    this.isListed = isListed || hosts.length > 0;
    this.bases = new Map(hosts.map((host) => [host.baseUrl, baseFor(host)]));
    this.origins = new Map(
      [...this.bases.values()].map((base) => [base.origin, base]),
    );
  }

  /** Where a request of axios' shape goes. */
  resolve(address: Address, scope: AttemptScope): Target {
    const { url = '', baseURL } = address;
    const base = this.baseOf(scope);
    const isNested = address.allowAbsoluteUrls === false;
    if (baseURL === undefined || baseURL === '' || baseURL === scope.baseUrl) {
      if (base !== undefined && isPlain(url))
        return ownTarget(base, base.path + url);
      return this.resolveFrom(base, url, isNested, scope);
    }
    if (isAbsolute(url) && !isNested)
      return this.resolveFrom(base, url, false, scope);
    const { isOwn, ...target } = this.resolveFrom(base, baseURL, false, scope);
    const path = withoutSlash(beforeQuery(target.path));
    const callers: Base = { ...target, path };
    return { ...this.resolveFrom(callers, url, isNested, scope), isOwn };
  }

  /** Of several own hosts the one that a URL names in full; undefined where any will do. */
  netlocOf(address: Address): string | undefined {
    if (this.origins.size < 2) return undefined;
    const { url = '', baseURL = '', allowAbsoluteUrls } = address;
    const isNamed = allowAbsoluteUrls !== false && ABSOLUTE.test(url);
    const named = isNamed ? url : baseURL;
    if (!ABSOLUTE.test(named) || !URL.canParse(named)) return undefined;
    const { origin, protocol, hostname, port } = new URL(named);
    if (!this.origins.has(origin)) return undefined;
    return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  }

  /** Where a redirect leads from `current`, an absolute URL. */
  follow(location: string, current: string, scope: AttemptScope): Target {
    if (!URL.canParse(location, current))
      throw this.refusal('a redirect leads to something that is no URL', scope);
    return this.judge(new URL(location, current), scope);
  }

  /** What a dispatcher is asked for: an origin and a path. */
  admit(
    origin: string | URL | undefined,
    path: string,
    scope: AttemptScope,
  ): Target {
    const base = this.baseOf(scope);
    if (origin === undefined && base === undefined)
      throw this.refusal('a request without an origin, and no hosts', scope);
    if (path[0] !== '/')
      throw this.refusal('a request path that does not begin with /', scope);
    if (CONTROL.test(path))
      throw this.refusal('a control character in the path', scope);
    const own =
      typeof origin === 'string' ? this.origins.get(origin) : undefined;
    if (own !== undefined) return ownTarget(own, path);
    const asked = String(origin ?? base?.origin);
    if (!URL.canParse(asked))
      throw this.refusal('an origin that is no URL', scope);
    return { ...this.judge(new URL(asked), scope), path };
  }

  /** `isNested`: even an absolute URL is a path below the base. */
  private resolveFrom(
    base: Base | undefined,
    url: string,
    isNested: boolean,
    scope: AttemptScope,
  ): Target {
    if (CONTROL.test(url))
      throw this.refusal('a control character in the URL', scope);
    if (beforeQuery(url).includes('\\'))
      throw this.refusal('a backslash in the URL', scope);
    if (!isNested && ABSOLUTE.test(url)) {
      if (!URL.canParse(url))
        throw this.refusal('something that is no URL', scope);
      return this.judge(new URL(url), scope);
    }
    if (!isNested && url.startsWith('//'))
      throw this.refusal('a URL that begins with //', scope);
    if (!isNested && SCHEME.test(url))
      throw this.refusal(`the scheme of ${beforeColon(url)}`, scope);
    if (base === undefined)
      throw this.refusal(
        'a relative URL, and it has no hosts: give hosts or an absolute URL',
        scope,
      );
    this.refuseTraversal(url, scope);
    return this.within(base, url, scope);
  }

  private within(base: Base, url: string, scope: AttemptScope): Target {
    const parsed = new URL(join(base.origin + base.path, url));
    const path = parsed.pathname;
    if (parsed.origin !== base.origin)
      throw this.refusal('a relative URL that leaves its host', scope);
    if (path !== base.path && !path.startsWith(`${base.path}/`))
      throw this.refusal('a relative URL that leaves its base path', scope);
    return ownTarget(base, path + parsed.search);
  }

  private judge(url: URL, scope: AttemptScope): Target {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw this.refusal(`the scheme ${url.protocol}`, scope);
    if (url.username !== '' || url.password !== '')
      throw this.refusal('a user name or password in the URL', scope);
    const { origin } = url;
    const path = url.pathname + url.search;
    const base = this.baseOf(scope);
    const isOfScope = base?.origin === origin || base?.named === origin;
    const own = isOfScope ? base : this.origins.get(origin);
    if (own !== undefined) return ownTarget(own, path);
    if (!this.isOpen(scope))
      throw this.refusal(`${origin} is not one of its hosts`, scope);
    return { origin, path, isOwn: false };
  }

  /** Without hosts any http(s) URL is meant; with hosts only on request. */
  private isOpen(scope: AttemptScope): boolean {
    return (
      this.allowOtherHosts || (!this.isListed && scope.baseUrl === undefined)
    );
  }

  private refuseTraversal(url: string, scope: AttemptScope): void {
    const path = beforeQuery(url);
    const decoded = path
      .replace(/%2e/gi, '.')
      .replace(/%2f/gi, '/')
      .replace(/%5c/gi, '\\')
      .replace(/%3b/gi, ';');
    if (TRAVERSAL_WITH_PARAMETER.test(decoded))
      throw this.refusal('a .. with a parameter in the URL', scope);
    if (decoded !== path && ENCODED_TRAVERSAL.test(decoded))
      throw this.refusal('an encoded .. in the URL', scope);
  }

  private baseOf(scope: AttemptScope): Base | undefined {
    const { baseUrl, hostName } = scope;
    if (baseUrl === undefined) return undefined;
    return this.bases.get(baseUrl) ?? baseFor({ baseUrl, hostName });
  }

  private refusal(reason: string, scope: AttemptScope): DaceForeignHostError {
    return new DaceForeignHostError({
      dependencyId: this.dependencyId,
      netloc: scope.netloc,
      reason,
    });
  }
}

function baseFor({ baseUrl, hostName }: HttpHost): Base {
  const url = new URL(baseUrl);
  const { origin } = url;
  const path = withoutSlash(url.pathname);
  if (hostName === undefined) return { origin, path };
  url.hostname = hostName;
  return { origin, path, authority: url.host, named: url.origin };
}

const ownTarget = ({ origin, authority }: Base, path: string): Target => ({
  origin,
  path,
  isOwn: true,
  authority,
});

const isPlain = (url: string): boolean =>
  PLAIN_PATH.test(url) && !NEEDS_CARE.test(url);

const isAbsolute = (url: string): boolean =>
  /^(?:[a-z][a-z\d+\-.]*:)?\/\//i.test(url);

const withoutSlash = (text: string): string => text.replace(/\/+$/, '');

/** As axios joins a base and a relative URL. */
function join(base: string, url: string): string {
  if (url === '') return base;
  return `${withoutSlash(base)}/${url.replace(/^\/+/, '')}`;
}

function beforeQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

const beforeColon = (url: string): string => url.slice(0, url.indexOf(':') + 1);
