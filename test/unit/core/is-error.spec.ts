import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isErrorOfAnyRealm, isInstance } from '../../../lib/core/is-error.js';

const foreign = (source: string): unknown => runInNewContext(source);
const aborted = () => {
  const controller = new AbortController();
  controller.abort();
  return controller.signal.reason as unknown;
};
/** As a context without Node's classes gets it: no `Error` of anybody's, but tagged as one. */
const bareAbort = () => ({ [Symbol.toStringTag]: 'DOMException' });

class Refused extends Error {}

describe('An error of any realm', () => {
  it.each<[string, () => unknown]>([
    ['an error', () => new Error('refused')],
    ['one of a class below', () => new Refused()],
    ['one of another realm', () => foreign('new TypeError("refused")')],
    ['the reason of an aborted signal', aborted],
    ['such a reason of another realm', bareAbort],
    ['what only inherits from Error', () => Object.create(Error.prototype)],
  ])('is %s', (_, make) => {
    expect(isErrorOfAnyRealm(make())).toBe(true);
  });

  it.each<[string, () => unknown]>([
    ['an object with a message', () => ({ name: 'Error', message: '' })],
    ['an object of another realm', () => foreign('({ message: "" })')],
    ['a text', () => 'Error'],
    ['null', () => null],
    ['nothing', () => undefined],
    [
      'an object whose tag throws',
      () => ({
        get [Symbol.toStringTag]() {
          throw new Error('nobody');
        },
      }),
    ],
  ])('is not %s', (_, make) => {
    expect(isErrorOfAnyRealm(make())).toBe(false);
  });
});

describe('An instance of a class', () => {
  it('is one of Error, whichever realm threw it', () => {
    expect(isInstance(foreign('new TypeError("refused")'), Error)).toBe(true);
    expect(isInstance(new Refused(), Error)).toBe(true);
  });

  it('is one of a class below only by its own', () => {
    expect(isInstance(new Refused(), Refused)).toBe(true);
    expect(isInstance(new Error('refused'), Refused)).toBe(false);
    expect(isInstance(foreign('new TypeError("")'), TypeError)).toBe(false);
  });

  it('is no value that is none', () => {
    expect(isInstance('refused', Error)).toBe(false);
    expect(isInstance(undefined, Error)).toBe(false);
  });
});
