/**
 * Instances whose decorated methods run bare: for unit tests.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isObservable, Observable } from 'rxjs';

/** The instances whose methods run bare here; none, and nothing to ask, until a test makes a view. */
let bare: AsyncLocalStorage<readonly object[]> | undefined;

/**
 * A view of `instance` on which decorated methods, and those they call on `this`, run as they are
 * written: once, without an app.
 *
 * A `@DaceCall()` parameter is not filled: pass a `Call` of your own where the method uses it.
 * @example await unprotected(new Invoices(search)).find('q')
 * @publicApi
 */
export function unprotected<T extends object>(instance: T): T {
  const storage = (bare ??= new AsyncLocalStorage());
  const view: T = new Proxy(instance, {
    // Native private members are seen by the instance itself only, never through a proxy.
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target);
      const isFixed =
        Reflect.getOwnPropertyDescriptor(target, name)?.configurable === false;
      if (typeof value !== 'function' || isFixed || name === 'constructor')
        return value;
      return function (this: unknown, ...args: unknown[]): unknown {
        if (this !== view) return Reflect.apply(value, this, args);
        const all = [...(storage.getStore() ?? []), target];
        const run = <R>(fn: () => R): R => storage.run(all, fn);
        const result = run(() => Reflect.apply(value, target, args) as unknown);
        return isObservable(result)
          ? new Observable((to) => run(() => result.subscribe(to)))
          : result;
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
  return view;
}

export function isUnprotected(self: object): boolean {
  return bare?.getStore()?.includes(self) === true;
}
