import { types } from 'node:util';

/**
 * Whether something is an error, of another realm too: to a test that runs in a context of its own,
 * as Jest's do, those of Node's modules are no `Error`.
 */
export function isErrorOfAnyRealm(value: unknown): value is Error {
  try {
    return (
      value instanceof Error ||
      types.isNativeError(value) ||
      Object.prototype.toString.call(value) === '[object DOMException]'
    );
  } catch {
    // A proxy, or a tag that throws.
    return false;
  }
}

/** `value instanceof type`, where every error is an `Error`. */
export function isInstance(
  value: unknown,
  type: abstract new (...args: never[]) => unknown,
): boolean {
  return value instanceof type || (type === Error && isErrorOfAnyRealm(value));
}
