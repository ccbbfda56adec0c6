/**
 * How a wrong value is told: enough of it to be found, nothing of it that is secret.
 */

import { isErrorOfAnyRealm } from '../core/is-error.js';
import { isPlainObject } from '../core/is-plain-object.js';

export { isPlainObject } from '../core/is-plain-object.js';

const MOST_CHARACTERS = 60;

/** Names that no option, header or id may have. */
export const REFUSED_NAMES: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
]);

/** `10s` in quotes, a number as it is, of everything larger its kind. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return showString(value);
    case 'bigint':
      return `${value}n`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    default:
      return isNumbers(value) ? JSON.stringify(value) : kindOf(value);
  }
}

/** What something is, without what is in it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'function') {
    const name = nameOf(value);
    return name === undefined ? 'a function' : `a function (${name})`;
  }
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty array' : `an array`;
  if (isPlainObject(value)) return 'an object';
  const name = nameOf((value as { constructor?: unknown }).constructor);
  return name === undefined ? 'an object' : `an instance of ${name}`;
}

/** A class may have a `name` of its own, which is anything. */
function nameOf(type: unknown): string | undefined {
  const name = (type as { name?: unknown } | null | undefined)?.name;
  if (typeof name !== 'string' || name === '') return undefined;
  return name.length <= MOST_CHARACTERS
    ? name
    : `${name.slice(0, MOST_CHARACTERS)}…`;
}

/** What something threw, in a line. */
export function showError(error: unknown): string {
  return isErrorOfAnyRealm(error) ? showString(error.message) : show(error);
}

/** A URL, or an object that holds one, without userinfo and query. */
export function showUrl(value: unknown): string {
  if (typeof value === 'string') return showString(withoutSecrets(value));
  if (value instanceof URL) return showString(withoutSecrets(value.href));
  if (!isPlainObject(value) || !Object.hasOwn(value, 'url')) return show(value);
  const { url, weight } = value;
  const weightText = weight === undefined ? '' : `, weight: ${show(weight)}`;
  return `{ url: ${showUrlPart(url)}${weightText} }`;
}

function showUrlPart(url: unknown): string {
  return isPlainObject(url) ? kindOf(url) : showUrl(url);
}

function withoutSecrets(url: string): string {
  return url
    .replace(/^([a-z][\w+.-]*:)?(\/\/)?.*@/is, '$1$2***@')
    .replace(/\?.*$/s, '?***');
}

function showString(value: string): string {
  const text = JSON.stringify(value);
  return text.length <= MOST_CHARACTERS
    ? text
    : `${text.slice(0, MOST_CHARACTERS)}…"`;
}

function isNumbers(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= 3 &&
    value.every((item) => Number.isFinite(item))
  );
}
