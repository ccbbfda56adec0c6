/**
 * Something that is known of an instance and that nobody sees: an own symbol, which shows through
 * proxies and from the raw object and is absent from keys and JSON. Frozen instances are remembered.
 */
export class InstanceMark<T extends object> {
  private readonly key: symbol;
  private readonly frozen = new WeakMap<object, T>();

  constructor(name: string) {
    this.key = Symbol(name);
  }

  of(instance: object): T | undefined {
    return (
      (instance as Record<symbol, T | undefined>)[this.key] ??
      this.frozen.get(instance)
    );
  }

  /** Leaves out what the instance inherits; asks anything, also a proxy that does not answer. */
  ownOf(candidate: object): unknown {
    try {
      return Reflect.getOwnPropertyDescriptor(candidate, this.key)?.value;
    } catch {
      return undefined;
    }
  }

  put(instance: object, value: T): void {
    const isPut = Reflect.defineProperty(instance, this.key, {
      value,
      configurable: true,
      writable: true,
      enumerable: false,
    });
    if (!isPut) this.frozen.set(instance, value);
  }
}
