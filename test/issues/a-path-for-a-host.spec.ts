import { describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';

describe('A path where a host is expected', () => {
  it.each(['/payments', '/', '/a:80', '//a', '///a'])(
    'is no host: %s',
    (host) => {
      expect(() => createDependency('payments', { hosts: [host] })).toThrow(
        /hosts\[0\] is .*, with the scheme/,
      );
    },
  );
});
