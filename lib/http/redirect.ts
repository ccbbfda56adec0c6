/** What a redirect makes of a request. */
import { AxiosError } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { axiosError } from './axios-errors.js';
import { NO_BODY } from './request-body.js';
import type { RequestBody } from './request-body.js';
import { keepLines, sensitiveNames } from './request-headers.js';
import type { DefaultHeaders, HeaderLines } from './request-headers.js';
import type { HeaderFields } from './response-head.js';
import type { Target } from './gate.js';

type Config = InternalAxiosRequestConfig;

/** One request on the wire; a redirect makes the next one. */
export interface Hop {
  readonly method: string;
  readonly target: Target;
  readonly lines: HeaderLines;
  readonly body: RequestBody;
}

/** axios' default would be 21; a chain of more than five is a loop. */
const MAX_REDIRECTS = 5;
/** A redirect's own body longer than this is cut instead of read to its end. */
const MAX_BODY = 65_536;

/** Where an answer sends us, or undefined when it is the answer itself. */
export function locationOf(
  status: number,
  headers: HeaderFields,
  config: Config,
): string | undefined {
  if (status < 300 || status >= 400 || config.maxRedirects === 0)
    return undefined;
  const { location } = headers as unknown as { location?: string };
  return location || undefined;
}

/** An answer that sends us on. */
export class Redirect {
  private size = 0;

  constructor(
    readonly status: number,
    readonly headers: HeaderFields,
    readonly location: string,
  ) {}

  /** Says itself that its body is short: others may have no end. */
  get isShort(): boolean {
    const length = this.headers.get('content-length');
    return (
      length !== undefined && length !== null && Number(length) <= MAX_BODY
    );
  }

  /** More than it said, or than is worth reading. */
  isTooLong(chunk: Buffer): boolean {
    this.size += chunk.length;
    return this.size > MAX_BODY;
  }

  /** The request that follows `hop`, the `count`th of its chain. */
  next(
    hop: Hop,
    target: Target,
    count: number,
    defaults: DefaultHeaders,
    config: Config,
  ): Hop {
    if (count > (config.maxRedirects ?? MAX_REDIRECTS))
      throw axiosError(
        'Maximum number of redirects exceeded',
        'ERR_FR_TOO_MANY_REDIRECTS',
        config,
      );
    const moved = this.moved(hop, target, defaults, config);
    if (!moved.body.isReplayable)
      throw axiosError(
        `Redirect ${this.status}: the body is a stream and cannot be sent again`,
        AxiosError.ERR_NOT_SUPPORT,
        config,
      );
    return this.askCaller(hop, moved, config);
  }

  /**
   * A POST that was moved, and whatever is told to "see other", becomes a GET; credentials and
   * secrets stay behind when the origin changes, default headers when it is foreign.
   */
  private moved(
    hop: Hop,
    target: Target,
    defaults: DefaultHeaders,
    config: Config,
  ): Hop {
    const { status } = this;
    const { method } = hop;
    const becomesGet =
      ((status === 301 || status === 302) && method === 'POST') ||
      (status === 303 && method !== 'GET' && method !== 'HEAD');
    const isOtherOrigin = target.origin !== hop.target.origin;
    const sensitive = sensitiveNames(config);
    const lines = keepLines(hop.lines, (name) => {
      if (becomesGet && name.startsWith('content-')) return false;
      if (!isOtherOrigin) return true;
      if (name === 'host' || sensitive.includes(name)) return false;
      if (defaults.secret.has(name)) return false;
      return target.isOwn || !defaults.names.has(name);
    });
    return {
      method: becomesGet ? 'GET' : method,
      target,
      lines,
      body: becomesGet ? NO_BODY : hop.body,
    };
  }

  /** Lets `beforeRedirect` change the headers of the next request, or throw. */
  private askCaller(hop: Hop, next: Hop, config: Config): Hop {
    const { beforeRedirect } = config;
    if (!beforeRedirect) return next;
    const url = new URL(next.target.origin + next.target.path);
    const options = {
      href: url.href,
      protocol: url.protocol,
      hostname: url.hostname,
      host: url.host,
      port: url.port,
      path: next.target.path,
      pathname: url.pathname,
      search: url.search,
      method: next.method,
      headers: asRecord(next.lines),
    };
    beforeRedirect(
      options,
      {
        headers: this.headers,
        statusCode: this.status,
      },
      {
        url: hop.target.origin + hop.target.path,
        method: hop.method,
        // axios' types know of no lists.
        headers: asRecord(hop.lines) as Record<string, string>,
      },
    );
    return { ...next, lines: asLines(options.headers) };
  }
}

type HeaderRecord = Record<string, string | string[]>;

/** Lines of one name are a list, as they are in the headers of a request. */
function asRecord(lines: HeaderLines): HeaderRecord {
  const record: HeaderRecord = Object.create(null) as never;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string;
    const value = lines[i + 1] as string;
    const known = record[name];
    record[name] = known === undefined ? value : [known, value].flat();
  }
  return record;
}

function asLines(record: HeaderRecord): HeaderLines {
  const lines: HeaderLines = [];
  for (const [name, value] of Object.entries(record))
    for (const one of [value].flat()) lines.push(name, one);
  return lines;
}
