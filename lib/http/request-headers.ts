/** The header lines of a request. */
import axios, { AxiosError, AxiosHeaders } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { axiosError } from './axios-errors.js';
import { canUnpack } from './response-body.js';
import type { HeaderFields } from './response-head.js';
import type { HeaderValues } from './http-options.js';

const USER_AGENT = `axios/${axios.VERSION}`;
const ACCEPT_ENCODING = 'gzip, compress, deflate, br';
/** Asked for with `transitional.advertiseZstdAcceptEncoding` alone. */
const WITH_ZSTD = canUnpack('zstd')
  ? `${ACCEPT_ENCODING}, zstd`
  : ACCEPT_ENCODING;

/** undici frames the message itself and refuses these. */
const FRAMING = new Set(['transfer-encoding', 'keep-alive', 'expect']);

/** Never sent to another origin than the one they were meant for. */
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

// oxlint-disable-next-line no-control-regex -- the bytes a header value may hold
const NOT_BYTES = /[^\t\x20-\x7e\x80-\xff]+/g;

/** Names and values by turns, as undici takes them. */
export type HeaderLines = string[];

/** Header lines of `config`, with what axios adds of its own. */
export function headerLines(config: InternalAxiosRequestConfig): HeaderLines {
  const fields = config.headers as unknown as Record<string, unknown>;
  const auth = config.auth;
  // Wrong ones are told of before anything is sent.
  sensitiveNames(config);
  const lines: HeaderLines = [];
  let hasAgent = false;
  let hasEncoding = false;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    const lower = name.toLowerCase();
    if (lower === 'user-agent') hasAgent = true;
    else if (lower === 'accept-encoding') hasEncoding = true;
    else if (FRAMING.has(lower)) continue;
    else if (auth && lower === 'authorization') continue;
    if (value === null || value === undefined || value === false) continue;
    if (Array.isArray(value))
      for (const item of value) lines.push(name, bytes(String(item)));
    else lines.push(name, bytes(String(value)));
  }
  if (!hasAgent) lines.push('User-Agent', USER_AGENT);
  if (!hasEncoding)
    lines.push(
      'Accept-Encoding',
      config.transitional?.advertiseZstdAcceptEncoding === true
        ? WITH_ZSTD
        : ACCEPT_ENCODING,
    );
  if (auth) lines.push('Authorization', basic(auth));
  return lines;
}

/** axios' own list, for one request. */
export function sensitiveNames(
  config: InternalAxiosRequestConfig,
): readonly string[] {
  const names: unknown = config.sensitiveHeaders;
  if (names === undefined || names === null) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === 'string'))
    return names.map((name) => name.toLowerCase());
  throw axiosError(
    'sensitiveHeaders must be an array of strings',
    AxiosError.ERR_BAD_OPTION_VALUE,
    config,
  );
}

function basic(auth: { username?: string; password?: string }): string {
  const pair = `${auth.username ?? ''}:${auth.password ?? ''}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** Line breaks stay, for undici to refuse; what no header can hold is dropped as axios does. */
function bytes(value: string): string {
  if (value.search(NOT_BYTES) === -1 || /[\0\r\n]/.test(value)) return value;
  return value.replace(NOT_BYTES, '');
}

/** Lines whose name `isKept` accepts; names come in lower case. */
export function keepLines(
  lines: HeaderLines,
  isKept: (name: string) => boolean,
): HeaderLines {
  const kept: HeaderLines = [];
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string;
    if (isKept(name.toLowerCase())) kept.push(name, lines[i + 1] as string);
  }
  return kept;
}

type DynamicHeader = readonly [
  name: string,
  value: () => string | undefined | PromiseLike<string | undefined>,
];

/** The headers of a dependency: sorted once into those that stand and those that are asked for. */
export class DefaultHeaders {
  private readonly fixed: (readonly [string, string])[] = [];
  private readonly asked: DynamicHeader[] = [];
  /** In lower case: what stays behind when a request goes to a foreign origin. */
  readonly names = new Set<string>();
  /** In lower case: what stays behind when a redirect changes the origin, and is never shown. */
  readonly secret: ReadonlySet<string>;

  constructor(
    values: HeaderValues | undefined,
    secretHeaders: readonly string[],
  ) {
    for (const name of Object.keys(values ?? {})) {
      const value = (values as HeaderValues)[name];
      if (value === undefined) continue;
      this.names.add(name.toLowerCase());
      if (typeof value === 'function') this.asked.push([name, value]);
      else this.fixed.push([name, value]);
    }
    this.secret = new Set([
      ...CREDENTIALS,
      ...secretHeaders.map((name) => name.toLowerCase()),
    ]);
  }

  get isEmpty(): boolean {
    return this.names.size === 0;
  }

  /** Adds what the request does not say itself; a promise only if a function answered one. */
  apply(headers: HeaderFields): void | Promise<void> {
    for (const [name, value] of this.fixed) headers.set(name, value, false);
    let waiting: Promise<void>[] | undefined;
    for (const [name, value] of this.asked) {
      if (headers.has(name)) continue;
      const answer = value();
      if (typeof answer === 'string') headers.set(name, answer);
      else if (answer !== undefined)
        (waiting ??= []).push(
          Promise.resolve(answer).then((text) => {
            if (text !== undefined) headers.set(name, text, false);
          }),
        );
    }
    if (waiting !== undefined) return Promise.all(waiting).then(() => {});
  }

  /** The lines that a request of these lines does not have itself. */
  missingFrom(lines: readonly unknown[]): HeaderLines | Promise<HeaderLines> {
    const headers = new AxiosHeaders();
    const own = new Set<string>();
    for (let i = 0; i < lines.length; i += 2)
      own.add(String(lines[i]).toLowerCase());
    const missing = (): HeaderLines =>
      Object.entries(headers.toJSON(true))
        .filter(([name]) => !own.has(name.toLowerCase()))
        .flat();
    const waiting = this.apply(headers);
    return waiting === undefined ? missing() : waiting.then(missing);
  }
}
