import axios, { AxiosError, CanceledError } from 'axios';
import type { AxiosInstance, AxiosRequestConfig, AxiosResponse } from 'axios';
import { Readable } from 'node:stream';
import type { Dependency } from 'nestjs-dace/core';
import type { Seen } from './parity-server.js';

/** One request that is sent twice: by axios' own adapter and by one of ours. */
export interface ParityCase {
  readonly name: string;
  /** Made anew for each of the two: streams and signals serve once. */
  readonly config: (origin: string) => AxiosRequestConfig;
  /** What the two may differ in: the row of the table in docs/http.md that says so. */
  readonly differs?: Difference;
  /** Where the request is to hang until its timeout, once the server has it. */
  readonly hangsAt?: string;
}

export interface Difference {
  /** The first column of its row. */
  readonly row: string;
  /** A part of the outcome with axios. */
  readonly axios: object;
  /** The same part, with ours. */
  readonly ours: object;
  /** Where it is so; elsewhere it is as with axios. */
  readonly faces?: readonly Face[];
}

export const parityCase = (
  name: string,
  config: AxiosRequestConfig | ParityCase['config'],
  differs?: Difference,
  hangsAt?: string,
): ParityCase => ({
  name,
  config: typeof config === 'function' ? config : () => ({ ...config }),
  ...(differs && { differs }),
  ...(hangsAt !== undefined && { hangsAt }),
});

export type Ask = (config: AxiosRequestConfig) => Promise<AxiosResponse>;

/** axios as it comes, without what the environment says of proxies. */
export const plainAxios = (baseURL: string): AxiosInstance =>
  axios.create({ baseURL, adapter: 'http', proxy: false });

/** The ways of ours to send a request of axios' shape. */
export const faces = (dependency: Dependency): Record<Face, Ask> => {
  const dropIn = dependency.dropIn({
    enclosing: () => undefined,
    library: axios,
  });
  return {
    'call.http': (config) =>
      dependency.execute((call) => call.http.request(config)),
    'dependency.http': (config) => dependency.http.request(config),
    'the drop-in': (config) => dropIn.request(config),
  };
};

export const FACES = ['call.http', 'dependency.http', 'the drop-in'] as const;
export type Face = (typeof FACES)[number];
/** Those that do not pass through axios' own merge of configs. */
export const OWN_FACES: readonly Face[] = ['call.http', 'dependency.http'];

export const isDifferent = ({ differs }: ParityCase, face: Face): boolean =>
  differs !== undefined && (differs.faces ?? FACES).includes(face);

/** All of an exchange that its two ends can see. */
export interface Exchange {
  readonly seen: readonly Seen[];
  readonly outcome: unknown;
}

export async function exchanged(
  ask: Ask,
  config: AxiosRequestConfig,
  take: () => Seen[],
): Promise<Exchange> {
  take();
  const outcome = await outcomeOf(ask(config));
  return { outcome, seen: take().map(comparable) };
}

/** Boundaries are drawn at random, ports are those of the test. */
function comparable(seen: Seen): Seen {
  const type = String(seen.headers['Content-Type'] ?? '');
  const boundary = /boundary=([^;]+)/.exec(type)?.[1];
  if (boundary === undefined) return seen;
  const headers = {
    ...seen.headers,
    'Content-Type': type.replaceAll(boundary, 'BOUNDARY'),
    'content-length': 'of the form',
  };
  return { ...seen, headers, body: formOf(seen.body, boundary) };
}

/** Of a form, what each part says, whatever stands between them. */
const formOf = (body: string, boundary: string): string =>
  body
    .split(`--${boundary}`)
    .map((part) => part.replace(/content-disposition/i, 'Content-Disposition'))
    .join('--BOUNDARY');

const HOP_BY_HOP = new Set([
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
]);

export async function outcomeOf(
  asked: Promise<AxiosResponse>,
): Promise<unknown> {
  try {
    return await answerOf(await asked);
  } catch (error) {
    return errorOf(error as AxiosError);
  }
}

async function errorOf(error: AxiosError): Promise<unknown> {
  const { code, status, response, request } = error;
  return {
    class: classOf(error),
    // follow-redirects has its own way with names.
    name: code === 'ERR_FR_TOO_MANY_REDIRECTS' ? '' : error.name,
    code,
    status,
    message: OWN_WORDS.test(error.message) ? error.message : '(other)',
    isAxiosError: axios.isAxiosError(error),
    isCancel: axios.isCancel(error),
    hasRequest: request !== undefined && request !== null,
    response: response && (await answerOf(response)),
  };
}

/** Words that are axios' own; those of Node and of undici are not the same. */
const OWN_WORDS =
  /^(?:Request (?:failed|body)|max|timeout|canceled|stopped|stream has|of the|too slow|Data after|error trying|Unsupported|option )/;

function classOf(error: unknown): string {
  if (error instanceof CanceledError) return 'CanceledError';
  if (error instanceof AxiosError) return 'AxiosError';
  return (error as object | undefined)?.constructor?.name ?? typeof error;
}

async function answerOf(response: AxiosResponse): Promise<unknown> {
  const { status, statusText, config, request } = response;
  const headers: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(response.headers))
    if (!HOP_BY_HOP.has(name)) headers[name] = value;
  return {
    status,
    statusText,
    headers,
    data: await dataOf(response.data),
    method: config.method,
    url: config.url ?? '',
    path: request?.path,
    from: request?.res?.responseUrl,
  };
}

async function dataOf(data: unknown): Promise<unknown> {
  if (!(data instanceof Readable)) return data;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of data) chunks.push(chunk as Buffer);
  } catch (error) {
    return {
      brokenAfter: Buffer.concat(chunks).toString(),
      class: classOf(error),
    };
  }
  return { stream: Buffer.concat(chunks).toString('latin1') };
}
