/** Query strings as axios writes them. */
import axios, { AxiosError } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';

/** Keys that axios takes as they are: it trims others, or reads nesting and lists into them. */
const PLAIN_KEY = /^[\w-]+$/;
const PLAIN_TEXT = /^[\w\-.!~*'()]*$/;

type Params = Pick<InternalAxiosRequestConfig, 'params' | 'paramsSerializer'>;

/** Appends `config.params` to a path that may have a query already. */
export function withParams(path: string, config: Params): string {
  const { params } = config as { params?: object | null };
  if (params === undefined || params === null) return path;
  try {
    return joined(path, params, config.paramsSerializer);
  } catch (error) {
    // The caller's, and no answer of the dependency.
    throw AxiosError.from(
      error,
      AxiosError.ERR_BAD_REQUEST,
      config as InternalAxiosRequestConfig,
    );
  }
}

function joined(
  path: string,
  params: object,
  paramsSerializer: Params['paramsSerializer'],
): string {
  const query = paramsSerializer === undefined ? flatQuery(params) : undefined;
  if (query === undefined)
    return axios.getUri({ url: path, baseURL: '', params, paramsSerializer });
  if (query === '') return path;
  return path + (path.includes('?') ? '&' : '?') + query;
}

/** The query of a flat object of texts, numbers and booleans; undefined for anything richer. */
function flatQuery(params: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(params);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  let query = '';
  for (const key of Object.keys(params)) {
    const value = (params as Record<string, unknown>)[key];
    if (value === undefined || value === null) continue;
    if (!PLAIN_KEY.test(key)) return undefined;
    const text = asText(value);
    if (text === undefined) return undefined;
    if (query !== '') query += '&';
    query += `${key}=${encode(text)}`;
  }
  return query;
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  return undefined;
}

function encode(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  return encodeURIComponent(text)
    .replace(/%3A/gi, ':')
    .replace(/%24/g, '$')
    .replace(/%2C/gi, ',')
    .replace(/%20/g, '+');
}
