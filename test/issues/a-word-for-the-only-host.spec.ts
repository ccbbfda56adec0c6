import { describe, expect, it } from 'vitest';
import { subject } from '../support/core-toolkit.js';

const HOSTS = ['http://a', 'http://b', 'http://c'];

describe('A host that an operator forced open and that is then alone', () => {
  it('is let in again by his word, when others come as well', async () => {
    const { dependency } = subject({ hosts: HOSTS });
    dependency.control('forced-open', 'a');
    dependency.configure({ hosts: ['http://a'] });
    dependency.control('auto', 'a');
    dependency.configure({ hosts: HOSTS });

    expect(dependency.snapshot().hosts).toEqual(
      HOSTS.map(() =>
        expect.objectContaining({ state: 'closed', inService: true }),
      ),
    );
    expect(await dependency.execute(() => 'fine', { netloc: 'a' })).toBe(
      'fine',
    );
  });

  it('is forced open still without it', () => {
    const { dependency } = subject({ hosts: HOSTS });
    dependency.control('forced-open', 'a');
    dependency.configure({ hosts: ['http://a'] });
    dependency.configure({ hosts: HOSTS });

    expect(dependency.snapshot().hosts[0]).toMatchObject({
      state: 'forced-open',
    });
  });
});
