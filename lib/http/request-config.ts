/**
 * An axios config without axios' own merge, which costs more than sending. The defaults are those
 * axios ships, read once: what somebody does to the global `axios.defaults` is not a dependency's.
 */
import axios, { AxiosError, AxiosHeaders } from 'axios';
import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { axiosError } from './axios-errors.js';
import type { HeaderFields } from './response-head.js';

type Config = InternalAxiosRequestConfig;
type Transform = (
  this: Config,
  data: unknown,
  headers: HeaderFields,
  status?: number,
) => unknown;

const shipped = axios.create().defaults;
const REQUEST_TRANSFORMS = listOf(shipped.transformRequest);
const RESPONSE_TRANSFORMS = listOf(shipped.transformResponse);
const TRANSITIONAL = Object.freeze({ ...shipped.transitional });
const ACCEPT = 'application/json, text/plain, */*';

const validateStatus = (status: number): boolean =>
  status >= 200 && status < 300;

// oxlint-disable-next-line no-control-regex -- line breaks and NUL are what this is about
const LINE_BREAK = /[\0\r\n]/;
/** What RFC 9110 calls a token. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Keys that are set apart, or that must not be copied from an object somebody else made. */
const SKIPPED = new Set([
  'headers',
  'method',
  'url',
  'data',
  'transitional',
  'paramsSerializer',
  'validateStatus',
  '__proto__',
  'constructor',
  'prototype',
]);

/** The config of one request: axios' defaults, then the user's. */
export function requestConfig(
  method: string,
  url: string,
  data: unknown,
  user: AxiosRequestConfig | undefined,
  baseURL: string | undefined,
): Config {
  const config: Record<string, unknown> = {
    transitional: TRANSITIONAL,
    transformRequest: REQUEST_TRANSFORMS,
    transformResponse: RESPONSE_TRANSFORMS,
    timeout: 0,
    maxContentLength: -1,
    maxBodyLength: -1,
    env: shipped.env,
    validateStatus,
    allowAbsoluteUrls: true,
    baseURL,
    headers: undefined,
    method,
    url,
    data,
  };
  if (user !== undefined) mergeUser(config, user);
  const built = config as unknown as Config;
  built.headers = requestHeaders(built, user?.headers);
  return built;
}

function mergeUser(
  config: Record<string, unknown>,
  user: AxiosRequestConfig,
): void {
  const given = user as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    if (given[key] !== undefined && !SKIPPED.has(key)) config[key] = given[key];
  }
  if (user.transitional !== undefined)
    config['transitional'] = { ...TRANSITIONAL, ...user.transitional };
  // As in axios, undefined that was written means "any status is fine".
  if (Object.hasOwn(user, 'validateStatus'))
    config['validateStatus'] = user.validateStatus;
  const serializer: unknown = user.paramsSerializer;
  if (serializer !== undefined && serializer !== null)
    config['paramsSerializer'] =
      typeof serializer === 'function' ? { serialize: serializer } : serializer;
}

function requestHeaders(config: Config, given: unknown): HeaderFields {
  const headers = new AxiosHeaders();
  const fields = headers as unknown as Record<string, unknown>;
  fields['Accept'] = ACCEPT;
  if (given === undefined || given === null) return headers;
  const set = (name: string, value: unknown): void => {
    if (value === undefined || isBucket(value)) return;
    checkHeader(name, value, config);
    const known = name.toLowerCase() === 'content-type' ? CONTENT_TYPE : name;
    headers.set(known, value as string, true);
  };
  const own = given as Record<string, unknown>;
  for (const bucket of [own['common'], own[config.method as string]])
    if (isBucket(bucket)) setAll(bucket as object, set);
  setAll(own, set);
  return headers;
}

/** As axios writes it, whatever the case it was given in. */
const CONTENT_TYPE = 'Content-Type';

/** Of objects, of a `Map` and of the web's `Headers`. */
function setAll(
  given: object,
  set: (name: string, value: unknown) => void,
): void {
  const isPlain = given instanceof AxiosHeaders || !(Symbol.iterator in given);
  const entries = isPlain
    ? Object.entries(given)
    : (given as Iterable<[string, unknown]>);
  for (const [name, value] of entries) set(name, value);
}

/** A name with a colon or a blank would be read as lines of headers. */
function checkHeader(name: string, value: unknown, config: Config): void {
  const problem = LINE_BREAK.test(String(value))
    ? 'holds a line break'
    : 'is no name of a header';
  if (TOKEN.test(name) && !LINE_BREAK.test(String(value))) return;
  throw axiosError(
    `Header ${JSON.stringify(name)} ${problem}`,
    AxiosError.ERR_BAD_REQUEST,
    config,
  );
}

/** `common`, `get`, …: headers of all requests and of those of one method. */
const isBucket = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Turns `config.data` into a body, as `dispatchRequest` of axios does. */
export function transformRequest(config: Config): void {
  const { headers, method } = config;
  const transforms = listOf(config.transformRequest);
  if (config.data !== undefined || transforms !== REQUEST_TRANSFORMS)
    config.data = apply(transforms, config, config.data, headers);
  if (method === 'post' || method === 'put' || method === 'patch')
    headers.setContentType('application/x-www-form-urlencoded', false);
}

/** Turns the text of an answer into what the user asked for. */
export function transformResponse(
  config: Config,
  response: { data: unknown; status: number; headers: unknown },
): void {
  const transforms = listOf(config.transformResponse);
  const { data, status } = response;
  if (
    transforms === RESPONSE_TRANSFORMS &&
    (typeof data !== 'string' || data === '')
  )
    return;
  // A transform that throws shows the answer it threw for, as in axios.
  const slot = config as { response?: unknown };
  slot.response = response;
  try {
    response.data = apply(
      transforms,
      config,
      data,
      response.headers as HeaderFields,
      status,
    );
  } finally {
    delete slot.response;
  }
}

function apply(
  transforms: readonly Transform[],
  config: Config,
  data: unknown,
  headers: HeaderFields,
  status?: number,
): unknown {
  let result = data;
  for (const transform of transforms)
    result = transform.call(config, result, headers, status);
  return result;
}

function listOf(transforms: unknown): readonly Transform[] {
  if (transforms === undefined || transforms === null) return [];
  return (
    Array.isArray(transforms) ? transforms : [transforms]
  ) as readonly Transform[];
}
