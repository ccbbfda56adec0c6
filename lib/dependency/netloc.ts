/**
 * Where a host is, read from what people write: a URL, `host:port`, or `host`. A netloc always
 * carries the port, in lower case, IPv6 in brackets.
 */
import {
  isHostName,
  type HostInput,
  type HostSetting,
} from '../core/host-setting.js';
import { isPlainObject, showUrl } from './option-text.js';

const MOST_CHARACTERS = 255;
const ENTRIES: ReadonlySet<string> = new Set(['url', 'weight', 'name']);
const FORMS =
  'expected an http or https URL, "host:port" or "host", as in "http://10.0.0.1:8080"';

/**
 * Reads one host of the options.
 *
 * Shape:  (URL | `host:port` | `host` | { url, weight > 0, name }) → the host, or what is wrong with
 *         it.
 * Errors: none; the text is the end of a sentence that names the option and the value.
 * @example parseHost('10.0.0.1:443') // { protocol: 'https', netloc: '10.0.0.1:443', baseUrl: 'https://10.0.0.1', weight: 1 }
 */
export function parseHost(input: HostInput): HostSetting | string {
  if (typeof input === 'string' || isUrl(input)) return parseUrl(input, 1);
  if (!isPlainObject(input)) return `${FORMS}, or { url, weight }`;
  const stranger = Object.keys(input).find((key) => !ENTRIES.has(key));
  if (stranger !== undefined)
    return `expected { url, weight, name }, without ${JSON.stringify(stranger)}`;
  const { url, weight = 1, name } = input as Record<string, unknown>;
  if (typeof weight !== 'number' || !(weight > 0 && weight < Infinity))
    return 'expected weight to be a finite number above 0';
  if (typeof url !== 'string' && !isUrl(url)) return `url: ${FORMS}`;
  if (name !== undefined && !isHostName(name))
    return 'expected name to be a host name without scheme and port, as in "payments.internal"';
  const host = parseUrl(url, weight);
  return name === undefined || typeof host === 'string'
    ? host
    : { ...host, hostName: name.toLowerCase() };
}

/** Tells what is wrong with each entry of a list of hosts, and which are listed twice. */
export function tellHosts(
  inputs: readonly unknown[],
  tell: (message: string, index: number) => void,
): void {
  const seen = new Map<string, number>();
  for (const [index, input] of inputs.entries()) {
    const host = parseHost(input as HostInput);
    const netloc = typeof host === 'string' ? '' : host.netloc;
    const first = seen.get(netloc);
    if (typeof host === 'string') tell(host, index);
    else if (first !== undefined)
      tell(`${netloc} is listed already, as hosts[${first}]`, index);
    else seen.set(netloc, index);
  }
}

/** What a host source answered: hosts, or what is wrong first. */
export function readHosts(answer: unknown): readonly HostSetting[] | string {
  if (!Array.isArray(answer)) return 'expected an array of hosts';
  let problem: string | undefined;
  tellHosts(answer, (message, index) => {
    problem ??= `hosts[${index}] is ${showUrl(answer[index])}: ${message}`;
  });
  return problem ?? hostsOf(answer as HostInput[]);
}

/** Reached in the same way, whatever its weight. */
export function isSameHost(one: HostSetting, other: HostSetting): boolean {
  return one.baseUrl === other.baseUrl && one.hostName === other.hostName;
}

export const isNoneIn =
  (list: readonly HostSetting[]) =>
  ({ netloc }: { readonly netloc: string }): boolean =>
    !list.some((host) => host.netloc === netloc);

/** The same hosts in whatever order, weights included. */
export function areSameHosts(
  before: readonly HostSetting[],
  now: readonly HostSetting[],
): boolean {
  if (before.length !== now.length) return false;
  const known = new Map(before.map((host) => [host.netloc, host]));
  return now.every((host) => {
    const other = known.get(host.netloc);
    return (
      other !== undefined &&
      isSameHost(other, host) &&
      other.weight === host.weight
    );
  });
}

/** Hosts that were checked. */
export function hostsOf(inputs: readonly HostInput[]): HostSetting[] {
  return inputs.map(parseHost).filter((host) => typeof host !== 'string');
}

function parseUrl(input: string | URL, weight: number): HostSetting | string {
  const text = typeof input === 'string' ? input : input.href;
  if (/[\s\\]/.test(text)) return `${FORMS}, without blanks and backslashes`;
  if (text.includes(','))
    return `${FORMS}; of a list make an array: text.split(',')`;
  if (/^[\da-f]*:[\da-f]*:[\d.:a-f]*$/i.test(text))
    return 'expected an IPv6 address in brackets, as in "[::1]:8080"';
  if (text.startsWith('/')) return `${FORMS}, with the scheme`;
  const hasScheme = /^[a-z][\w+.-]*:\/\//i.test(text);
  const url = toUrl(hasScheme ? text : `http://${text}`);
  if (url === undefined) return FORMS;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return 'expected the scheme http or https';
  if (url.username !== '' || url.password !== '' || text.includes('@'))
    return 'expected no user or password: send credentials by http.headers';
  if (/[?#]/.test(text)) return 'expected no query and no fragment';
  return hostOf(url, hasScheme, weight) ?? FORMS;
}

function hostOf(
  url: URL,
  hasScheme: boolean,
  weight: number,
): HostSetting | undefined {
  if (!/^(?:[\w.-]+|\[[\da-f.:]+\])$/.test(url.hostname)) return undefined;
  if (url.port === '0') return undefined;
  const isHttps =
    url.protocol === 'https:' || (!hasScheme && url.port === '443');
  const port = url.port || (isHttps ? '443' : '80');
  const setting = hostSettingOf(
    `${url.hostname}:${port}`,
    isHttps ? 'https' : 'http',
  );
  const path = url.pathname.replace(/\/+$/, '');
  return { ...setting, baseUrl: setting.baseUrl + path, weight };
}

/**
 * The host behind a netloc that a call is pinned to, or that a balancer function answered.
 *
 * Shape:  (netloc, protocol = https on port 443, else http) → host of weight 1. An opaque key has
 *         no address: its `baseUrl` is empty.
 */
export function hostSettingOf(text: string, protocol?: string): HostSetting {
  const netloc = normalizeNetloc(text, protocol === 'https' ? 443 : 80);
  const isHttps =
    protocol === 'https' || (protocol !== 'http' && netloc.endsWith(':443'));
  const scheme = isHttps ? 'https' : 'http';
  const usual = isHttps ? ':443' : ':80';
  const isUsual = netloc.endsWith(usual);
  const authority = isUsual ? netloc.slice(0, -usual.length) : netloc;
  return {
    protocol: scheme,
    netloc,
    baseUrl: isAddress(netloc) ? `${scheme}://${authority}` : '',
    weight: 1,
  };
}

/**
 * One name for one peer.
 *
 * Shape:  `host[:port]` → lower case with the port (`usualPort` if none is written); all else is an
 *         opaque key and stays as it is.
 * @example normalizeNetloc('Search') // 'search:80'
 */
export function normalizeNetloc(text: string, usualPort = 80): string {
  if (NORMAL.test(text)) return text;
  if (text.length > MOST_CHARACTERS || /[\s/?#@\\]/.test(text)) return text;
  const parts = /^(\[[\da-f.:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text);
  if (parts === null) return text;
  const { 1: host = '', 2: port = usualPort } = parts;
  const isPlain = /^[\w.-]+$/.test(host);
  const name = isPlain ? host.toLowerCase() : toUrl(`http://${host}`)?.hostname;
  const netloc = `${name}:${Number(port)}`;
  return name !== undefined && isAddress(netloc) ? netloc : text;
}

/** What most netlocs look like, and always come out as. */
const NORMAL = /^[\d._a-z-]{1,249}:[1-9]\d{0,3}$/;

const ADDRESS = /^(?:[\d._a-z-]+|\[[\d.:a-f]+\]):([1-9]\d{0,4})$/;

function isAddress(netloc: string): boolean {
  const match = ADDRESS.exec(netloc);
  return match !== null && Number(match[1]) <= 65_535;
}

function toUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isUrl(value: unknown): value is URL {
  return (
    value instanceof URL ||
    Object.prototype.toString.call(value) === '[object URL]'
  );
}
