import { describe, expect, it } from 'vitest';
import { faultTolerant } from 'nestjs-dace';
import { subject } from '../../support/core-toolkit.js';

describe('faultTolerant', () => {
  const { dependency } = subject();
  const wrong = (...args: unknown[]) => {
    try {
      (faultTolerant as (...args: unknown[]) => unknown)(...args);
    } catch (error) {
      return error as Error & { code: string; dependencyId: string };
    }
    throw new Error('nothing was wrong');
  };

  it('tells who passes an id where the dependency is', () => {
    const error = wrong('inventory');

    expect(error).toMatchObject({
      code: 'DACE_CONFIGURATION',
      dependencyId: 'inventory',
    });
    expect(error.message).toMatch(
      /given the id 'inventory'.*@InjectDependency\('inventory'\).*registry\.get\('inventory'\)/,
    );
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['5', 5],
    ['an object', {}],
    ['an object of class Map', new Map()],
    ['a function', () => {}],
  ])('tells who passes %s in place of a dependency', (kind, given) => {
    const error = wrong(given);

    expect(error.code).toBe('DACE_CONFIGURATION');
    expect(error.message).toContain(`was given ${kind} in place of`);
    expect(error.message).toContain('@InjectDependency');
  });

  it.each([
    ['an unknown option', { timeout: 5 }, 'timeoutMs'],
    ['a value out of range', { timeoutMs: -1 }, 'timeoutMs'],
    ['an option of the decorator', { cancelOnDisconnect: true }, 'cancelOn'],
    ['no object', 5, 'payments'],
    ['null', null, 'payments'],
  ])('tells who passes %s', (_what, options, word) => {
    const error = wrong(dependency, options);

    expect(error).toMatchObject({
      code: 'DACE_CONFIGURATION',
      dependencyId: 'payments',
    });
    expect(error.message).toContain(word);
  });

  it('tells who applies it to something else than a stream', () => {
    const apply = () => faultTolerant(dependency)(Promise.resolve(1) as never);

    expect(apply).toThrow(
      'faultTolerant for "payments" was applied to an object of class Promise: it belongs in the pipe(…) of an Observable. Protect a promise with dependency.execute(() => …).',
    );
  });
});
