import { describe, expect, it } from 'vitest';
import { DaceConfigurationError } from '../../../lib/core/errors.js';
import { checkCallOptions } from '../../../lib/dependency/option-schema.js';
import type { DependencyOptions } from '../../../lib/dependency/options.js';
import { resolveSettings } from '../../../lib/dependency/resolve-settings.js';
import { createDependency } from '../../../lib/core.js';

const settled = (
  propagateDeadline: DependencyOptions['propagateDeadline'],
  defaults?: DependencyOptions['propagateDeadline'],
) =>
  resolveSettings('a', { propagateDeadline }, { propagateDeadline: defaults })
    .propagateDeadline;

const told = (check: () => unknown): string => {
  try {
    check();
  } catch (error) {
    if (error instanceof DaceConfigurationError)
      return error.problems.map(({ message }) => message).join('\n');
    throw error;
  }
  return 'nothing was wrong';
};

const PLAIN = { header: 'x-request-timeout-ms', isIncomingTrusted: false };

describe('propagateDeadline', () => {
  it('is off unless it is asked for', () => {
    expect([settled(undefined), settled(false)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('trusts nobody and has a header of its own unless told otherwise', () => {
    expect([settled(true), settled({})]).toEqual([PLAIN, PLAIN]);
    expect(settled({ trustIncoming: true })).toEqual({
      ...PLAIN,
      isIncomingTrusted: true,
    });
    expect(settled({ header: 'X-Deadline' })).toEqual({
      ...PLAIN,
      header: 'x-deadline',
    });
  });

  it('is laid over the defaults key by key, and true leaves them', () => {
    const defaults = { header: 'x-app', trustIncoming: true };
    expect(settled(undefined, defaults)?.header).toBe('x-app');
    expect(settled(true, defaults)).toEqual({
      header: 'x-app',
      isIncomingTrusted: true,
    });
    expect(settled({ trustIncoming: false }, defaults)).toEqual({
      header: 'x-app',
      isIncomingTrusted: false,
    });
    expect(settled(false, defaults)).toBeUndefined();
    expect(settled({ header: 'x-own' }, true)?.header).toBe('x-own');
    expect(settled(true, false)).toEqual(PLAIN);
  });

  it.each([
    [
      'yes',
      'propagateDeadline is "yes": expected an object such as { header, trustIncoming }, true, or false',
    ],
    [1, 'propagateDeadline is 1: expected an object'],
    ['true', 'true, or false'],
    [null, 'leave it out for the default'],
    [
      { header: '' },
      'propagateDeadline.header is "": expected the name of a header, such as \'x-request-timeout-ms\'',
    ],
    [{ header: 'x y' }, 'expected the name of a header'],
    [{ header: 'x\r\ny: z' }, 'expected the name of a header'],
    [{ header: 5 }, 'expected the name of a header'],
    [{ header: '__proto__' }, 'it is taken'],
    [{ header: 'Host' }, 'it is taken: expected a header of its own'],
    [{ header: 'content-length' }, 'it is taken'],
    [{ header: 'Authorization' }, 'it is taken'],
    [
      { trustIncoming: 'yes' },
      'propagateDeadline.trustIncoming is "yes": expected true or false',
    ],
    [{ trust: true }, 'did you mean "propagateDeadline.trustIncoming"?'],
    [{ headerName: 'x' }, 'did you mean "propagateDeadline.header"?'],
    [
      { trustIncomming: true },
      'did you mean "propagateDeadline.trustIncoming"?',
    ],
    [{ timeoutMs: 5 }, 'it belongs at the top, beside propagateDeadline'],
  ])('refuses %j', (value, message) => {
    expect(
      told(() => resolveSettings('a', { propagateDeadline: value as never })),
    ).toContain(message);
  });

  it.each([
    [{ propagateDeadlines: true }, 'did you mean "propagateDeadline"?'],
    [{ deadlinePropagation: true }, 'did you mean "propagateDeadline"?'],
    [{ trustIncoming: true }, 'it belongs in propagateDeadline'],
  ])('is what somebody means who writes %j', (options, message) => {
    expect(told(() => resolveSettings('a', options as object))).toContain(
      message,
    );
  });

  it('is no option of one call', () => {
    expect(
      told(() => checkCallOptions('a', { propagateDeadline: true } as object)),
    ).toContain('it is an option of the dependency, not of one call');
  });

  it('does not make true an option of a stage', () => {
    const dependency = createDependency('a', {
      retry: { attempts: 2 },
      propagateDeadline: { header: 'x-own' },
    });
    expect(
      told(() => dependency.configure({ retry: true as never })),
    ).toContain('retry is true');
    expect(() =>
      dependency.configure({ propagateDeadline: true }),
    ).not.toThrow();
  });
});
