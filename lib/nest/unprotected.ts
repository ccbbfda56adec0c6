/**
 * Instances whose decorated methods run bare: for unit tests.
 */
const UNPROTECTED = Symbol.for('nestjs-dace.unprotected');

/**
 * A view of `instance` on which decorated methods run the plain method, once, without any app.
 *
 * @example await unprotected(new Invoices(search)).find('q')
 * @publicApi
 */
export function unprotected<T extends object>(instance: T): T {
  const view: T = new Proxy(instance, {
    get(target, name): unknown {
      if (name === UNPROTECTED) return true;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      // Native private members are not seen through a proxy, so only calls see the view as `this`.
      return function (this: unknown, ...args: unknown[]): unknown {
        const self = this === view ? viewFor(target, view, value) : this;
        return Reflect.apply(value, self, args);
      };
    },
  });
  return view;
}

/** A decorated method is called on the view, so that it knows; any other on the instance itself. */
function viewFor(target: object, view: object, method: object): object {
  return DECORATED.has(method) ? view : target;
}

const DECORATED = new WeakSet<object>();

/** Notes that `dispatcher` stands for a decorated method. */
export function noteDispatcher(dispatcher: object): void {
  DECORATED.add(dispatcher);
}

export function isUnprotected(self: object): boolean {
  return (self as Record<symbol, unknown>)[UNPROTECTED] === true;
}
