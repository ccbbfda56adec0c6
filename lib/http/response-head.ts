/** The head of an answer, from bytes to what axios shows. */
import { STATUS_CODES } from 'node:http';
import { AxiosHeaders } from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { util } from 'undici';
import type { Target } from './gate.js';

/** Fields of which Node keeps the first and drops the rest. */
const SINGLE = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** axios' header object; its own enumerable properties are the fields. */
export type HeaderFields = InstanceType<typeof AxiosHeaders>;

type Fields = Record<string, string | string[]>;

/**
 * Fills `headers`: names in lower case, repeated fields joined, `set-cookie` a list, as Node and axios
 * show them.
 */
export function responseHeaders(
  raw: readonly Buffer[],
  headers: HeaderFields = new AxiosHeaders(),
): HeaderFields {
  const fields = headers as unknown as Fields;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = util.headerNameToString(raw[i] as Buffer);
    const value = (raw[i + 1] as Buffer).toString('latin1');
    if (!Object.hasOwn(fields, name)) {
      addFirst(fields, name, value);
      continue;
    }
    const known = fields[name] as string | string[];
    if (Array.isArray(known)) known.push(value);
    else if (!SINGLE.has(name))
      fields[name] = known + (name === 'cookie' ? '; ' : ', ') + value;
  }
  return headers;
}

function addFirst(fields: Fields, name: string, value: string): void {
  if (name === 'set-cookie') fields[name] = [value];
  // A field of this name would replace the prototype.
  else if (name !== '__proto__') fields[name] = value;
}

/** An answer whose body is still to come. */
export function headOf(
  status: number,
  text: string | undefined,
  headers: HeaderFields,
  config: InternalAxiosRequestConfig,
  request: unknown,
): AxiosResponse {
  const statusText = statusTextOf(status, text);
  return { status, statusText, headers, config, request, data: undefined };
}

/** The reason phrase; a proxy in between may have dropped it. */
function statusTextOf(status: number, text: string | undefined): string {
  return text ?? STATUS_CODES[status] ?? '';
}

/** What stands in for Node's request object in `response.request`. */
export class RequestSummary {
  constructor(
    readonly method: string,
    private readonly target: Pick<Target, 'origin' | 'path'>,
  ) {}

  get path(): string {
    return this.target.path;
  }

  get protocol(): string {
    return new URL(this.target.origin).protocol;
  }

  get host(): string {
    return new URL(this.target.origin).hostname;
  }

  /** Where the answer came from, after redirects. */
  get res(): { responseUrl: string } {
    return { responseUrl: this.target.origin + this.target.path };
  }
}
