import 'reflect-metadata';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { SetMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { FaultTolerant, FaultTolerantInterceptor } from 'nestjs-dace';

/** As a JavaScript user would: no types, and everything possible. */
const loosely = FaultTolerant as (
  id: unknown,
  options?: unknown,
) => (target: object, name: string, descriptor?: object) => void;

const decorate = (options?: unknown): void => {
  const target = { constructor: class Plain {}, call: async () => {} };
  const descriptor = { value: target.call };
  loosely('payments', options)(target, 'call', descriptor);
};

describe('@FaultTolerant', () => {
  it('keeps name, length and metadata of the method', () => {
    class Service {
      @FaultTolerant('payments')
      @SetMetadata('below', 1)
      async method(a: string, b: number): Promise<unknown> {
        return [a, b];
      }
    }
    const { method } = Service.prototype;

    expect(method.name).toBe('method');
    expect(method.length).toBe(2);
    expect(Reflect.getMetadata('below', method)).toBe(1);
  });

  it('takes metadata from decorators above', () => {
    class Service {
      @SetMetadata('above', 2)
      @FaultTolerant('payments')
      async method(): Promise<void> {}
    }

    expect(Reflect.getMetadata('above', Service.prototype.method)).toBe(2);
  });

  it('puts the interceptor there once, however often it is used', () => {
    class Service {
      @FaultTolerant('payments')
      @FaultTolerant('search')
      async method(): Promise<void> {}
    }

    expect(
      Reflect.getMetadata(INTERCEPTORS_METADATA, Service.prototype.method),
    ).toEqual([FaultTolerantInterceptor]);
  });

  it('leaves the class as it was to those who look', () => {
    class Service {
      @FaultTolerant('payments')
      async method(): Promise<void> {}
    }

    expect(Object.keys(Service.prototype)).toEqual([]);
    expect(Object.keys(new Service())).toEqual([]);
    expect(Object.getOwnPropertyNames(Service.prototype).toSorted()).toEqual([
      'constructor',
      'method',
    ]);
  });

  it.each([
    ['a static method', class {}, { value: () => {} }],
    ['an accessor', {}, { get: () => 1 }],
    ['a property', {}, undefined],
  ])('refuses %s', (_, target, descriptor) => {
    expect(() => loosely('payments')(target, 'thing', descriptor)).toThrow(
      '@FaultTolerant can only protect instance methods; thing is not one. Move it to a method of an instance, or call dependency.wrap(fn).',
    );
  });

  it.each([
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ timeout: 5 }, 'timeout'],
    [{ attempts: 5 }, 'attempts'],
    [{ cancelOnDisconnect: 'yes' }, 'cancelOnDisconnect is yes: expected true'],
    [{ observable: 1 }, 'observable is 1: expected true or false'],
    [{ signal: undefined }, 'no option "signal". Known: cancelOnDisconnect'],
  ])('refuses %j where it stands', (options, message) => {
    expect(() => decorate(options)).toThrow(message);
  });

  it('takes what it knows', () => {
    decorate();
    decorate({});
    decorate({ timeoutMs: 5, fallback: 'call', cancelOnDisconnect: true });
    decorate({ timeoutMs: undefined, observable: false });
  });
});
