/**
 * Options that are more than a number: hosts, functions, headers. Each message ends the
 * sentence "option is value: …".
 */
import { z } from 'zod';
import { isHostSource } from '../balancing/host-source.js';
import { BALANCER_NAMES, isClass } from '../balancing/load-balancer.js';
import { tellHosts } from './netloc.js';
import { MOST_MS } from './option-ranges.js';
import { isPlainObject, REFUSED_NAMES } from './option-text.js';

export type Tell = (message: string, path?: PropertyKey[]) => void;

/** A check of everything at once, that may tell several problems. */
export const checked = (
  check: (value: unknown, tell: Tell) => void,
): z.ZodType =>
  z.unknown().check((context) => {
    const { value: input } = context;
    check(input, (message, path = []) => {
      context.issues.push({ code: 'custom', input, message, path });
    });
  });

export const enabled = (): z.ZodType =>
  checked((value, tell) => {
    if (typeof value !== 'boolean' && typeof value !== 'function')
      tell('expected true, false or a function that answers one of them');
  });

export const anything = (): z.ZodType => z.unknown();

export const plain = (): z.ZodType =>
  checked((value, tell) => {
    if (!isPlainObject(value)) tell('expected an object of options');
  });

/** `what`, told by the methods that are called. */
export const withMethods = (what: string, ...names: string[]): z.ZodType =>
  checked((value, tell) => {
    const last = names.at(-1)!;
    if (!names.every((name) => hasMethod(value, name)))
      tell(
        `expected ${what} with ${names.slice(0, -1).join(', ')} and ${last}`,
      );
  });

export const hosts = (): z.ZodType =>
  checked((value, tell) => {
    if (isHostSource(value)) return;
    if (!Array.isArray(value) || value.length === 0)
      return tell(
        `expected an array of at least one host${
          typeof value === 'string' ? ': put it in brackets, [url]' : ''
        }, or a source with hosts(): Promise`,
      );
    tellHosts(value, (message, index) => tell(message, [index]));
  });

export const loadBalancer = (): z.ZodType =>
  checked((value, tell) => {
    if (isClass(value))
      return tell(
        `expected a balancer, got the class ${(value as { name: string }).name}: put in an instance of it, new ${(value as { name: string }).name}(…); only DaceModule takes classes, of providers`,
      );
    const isKnown =
      typeof value === 'function' ||
      (typeof value === 'string' && BALANCER_NAMES.includes(value)) ||
      hasMethod(value, 'pick');
    if (!isKnown)
      tell(
        `expected '${BALANCER_NAMES.join("', '")}', a function that answers [protocol, netloc], or an object with pick(hosts, context)`,
      );
  });

const ON_TEXT =
  "expected 'any', a function of the outcome, an error class, or an array of error classes";

export const retryOn = (): z.ZodType =>
  checked((value, tell) => {
    if (value === 'any' || typeof value === 'function') return;
    if (!Array.isArray(value)) return tell(ON_TEXT);
    for (const [index, type] of value.entries())
      if (typeof type !== 'function') tell('expected an error class', [index]);
  });

const JITTER_TEXT =
  "expected milliseconds from 0 to 2,147,483,647, two of them as [min, max], 'full', 'equal' or 'decorrelated'";

const SPREADS: readonly unknown[] = ['full', 'equal', 'decorrelated'];

export const jitter = (): z.ZodType =>
  checked((value, tell) => {
    if (SPREADS.includes(value) || isDelay(value)) return;
    const isRange =
      Array.isArray(value) &&
      value.length === 2 &&
      isDelay(value[0]) &&
      isDelay(value[1]) &&
      value[0] <= value[1];
    if (!isRange) tell(JITTER_TEXT);
  });

function isDelay(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_MS;
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Values are never shown. */
export const headers = (): z.ZodType =>
  checked((value, tell) => {
    if (!isPlainObject(value))
      return tell('expected an object of header names and values');
    for (const [name, given] of Object.entries(value)) {
      if (!TOKEN.test(name) || REFUSED_NAMES.has(name))
        tell('it is no name of a header', [name]);
      else if (given === undefined || typeof given === 'function') continue;
      else if (typeof given !== 'string')
        tell('expected a string, or a function that answers one', [name]);
      else if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(given))
        tell('expected a text without line ends and control characters', [
          name,
        ]);
    }
  });

export const secretHeaders = (): z.ZodType =>
  checked((value, tell) => {
    if (!Array.isArray(value)) return tell('expected an array of header names');
    for (const [index, name] of value.entries())
      if (typeof name !== 'string' || !TOKEN.test(name))
        tell('expected the name of a header', [index]);
  });

/** What HTTP means something else by, or what carries credentials. */
const NOT_FOR_DEADLINES =
  /^(?:accept|age|allow|authorization|connection|content-.*|cookie|date|etag|expect|expires|forwarded|from|host|if-.*|keep-alive|last-modified|location|max-forwards|origin|pragma|proxy-.*|range|referer|retry-after|server|set-cookie|te|trailer|transfer-encoding|upgrade|user-agent|via)$/i;

export const deadlineHeader = (): z.ZodType =>
  checked((value, tell) => {
    if (typeof value !== 'string' || !TOKEN.test(value))
      tell("expected the name of a header, such as 'x-request-timeout-ms'");
    else if (NOT_FOR_DEADLINES.test(value) || REFUSED_NAMES.has(value))
      tell('it is taken: expected a header of its own');
  });

export const proxy = (): z.ZodType =>
  checked((value, tell) => {
    const isUrl =
      typeof value === 'string' &&
      /^https?:\/\//i.test(value) &&
      URL.canParse(value);
    if (typeof value !== 'boolean' && !isUrl)
      tell(
        'expected false, true for the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), or an http or https URL',
      );
  });

export const socketPath = (): z.ZodType =>
  checked((value, tell) => {
    const isPath =
      typeof value === 'string' && value !== '' && !value.includes('\0');
    if (!isPath) tell("expected a path, such as '/run/payments.sock'");
  });

export const tls = (): z.ZodType =>
  checked((value, tell) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      tell('expected an object of TLS options such as { ca, cert, key }');
  });

export const signal = (): z.ZodType =>
  checked((value, tell) => {
    const isSignal =
      typeof (value as { aborted?: unknown } | null)?.aborted === 'boolean' &&
      hasMethod(value, 'addEventListener') &&
      hasMethod(value, 'removeEventListener');
    if (isSignal) return;
    const isController = hasMethod(value, 'abort');
    tell(`expected an AbortSignal${isController ? ': pass its .signal' : ''}`);
  });

export const netloc = (): z.ZodType =>
  checked((value, tell) => {
    if (typeof value !== 'string' || value === '' || value.length > 255)
      tell(
        'expected a text of 1 to 255 characters, host:port or a key of your own',
      );
  });

export function hasMethod(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[name] === 'function'
  );
}
