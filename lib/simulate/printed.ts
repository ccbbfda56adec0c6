/**
 * Options as a reader would have written them. Reports are shared: what looks like a secret is not
 * shown.
 */
import { isPlainObject } from '../dependency/option-text.js';

const SECRET = /authorization|cookie|password|secret|token|api-?key|^tls$/i;
const USER_INFO = /\/\/[^/@\s]+@/g;
const MOST_WIDTH = 72;

export function printed(value: unknown): string {
  return print(value, '', new Set());
}

function print(
  value: unknown,
  indent: string,
  above: ReadonlySet<object>,
): string {
  if (typeof value === 'function') return `${value.name || 'function'}()`;
  if (typeof value === 'string')
    return JSON.stringify(value.replace(USER_INFO, '//'));
  if (typeof value === 'bigint' || typeof value === 'symbol')
    return String(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (above.has(value)) return '…';
  const made = factoryOf(value);
  if (made !== undefined) {
    const seen = print(made.seen, indent, above);
    const parts = made.isWhole ? [seen] : seen === '{}' ? ['…'] : [seen, '…'];
    return `${made.name}(${parts.join(', ')})`;
  }
  const inside = new Set([...above, value]);
  const isArray = Array.isArray(value);
  const deeper = `${indent}  `;
  const parts = isArray
    ? value.map((item) => print(item, deeper, inside))
    : entriesOf(value).map(
        ([key, item]) =>
          `${keyText(key)}: ${isSecret(key, item) ? '(hidden)' : print(item, deeper, inside)}`,
      );
  return nameBefore(value) + joined(parts, isArray, indent);
}

/** A rule or a recovery as the call that makes it; of a rule only its windows can be seen. */
function factoryOf(value: object) {
  const written = value as Record<string, unknown>;
  const { name, kind, trips, describe: _, ...seen } = written;
  if (typeof trips === 'function' && typeof name === 'string')
    return { name, seen, isWhole: false };
  return typeof kind === 'string'
    ? { name: kind, seen, isWhole: true }
    : undefined;
}

/** A class's name, as that of a URL or of a balancer of the user's own. */
function nameBefore(value: object): string {
  if (Array.isArray(value) || isPlainObject(value)) return '';
  const name: unknown = value.constructor.name;
  return typeof name === 'string' ? `${name} ` : '';
}

const entriesOf = (value: object): [string, unknown][] =>
  value instanceof URL
    ? [['href', `${value.origin}${value.pathname}`]]
    : Object.entries(value).filter(([, item]) => item !== undefined);

/** `secretHeaders` is a list of names, and shown. */
const isSecret = (key: string, value: unknown): boolean =>
  SECRET.test(key) && !Array.isArray(value);

const keyText = (key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);

function joined(
  parts: readonly string[],
  isArray: boolean,
  indent: string,
): string {
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  const space = isArray ? '' : ' ';
  const line = `${open}${space}${parts.join(', ')}${space}${close}`;
  if (indent.length + line.length <= MOST_WIDTH && !line.includes('\n'))
    return line;
  const lines = parts.map((part) => `${indent}  ${part},`).join('\n');
  return `${open}\n${lines}\n${indent}${close}`;
}
