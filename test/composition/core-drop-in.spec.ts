/**
 * The axios instance of the drop-in against one that axios made: what its interceptors and its adapter
 * are handed must be the same, whichever way a request is asked for.
 */
import axios, { AxiosHeaders, type AxiosInstance } from 'axios';
import { describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';

const dependency = createDependency('shop', { hosts: ['http://127.0.0.1:9'] });

interface Seen {
  readonly config: Record<string, unknown>;
  readonly headers: unknown;
}

/** Sends by `ask` through an instance that answers out of a test, and tells what came to it. */
async function seenBy(
  instance: AxiosInstance,
  ask: (instance: AxiosInstance) => Promise<unknown>,
): Promise<Seen> {
  let seen: Seen | undefined;
  const { adapter } = instance.defaults;
  instance.defaults.adapter = async (config) => {
    const { headers, adapter: _own, ...rest } = config;
    // The form of a package, with a boundary of its own.
    if (typeof rest.data?.getBoundary === 'function') rest.data = 'a form';
    seen = { config: rest, headers: headers.toJSON() };
    return { status: 200, statusText: 'OK', headers: {}, config, data: '' };
  };
  try {
    await ask(instance);
  } finally {
    instance.defaults.adapter = adapter;
  }
  return seen!;
}

const SIGNAL = new AbortController().signal;
const given = () => ({
  params: { a: 1, deep: { b: [2] } },
  headers: { 'X-One': 'yes', 'Content-Type': 'text/plain', 'X-Off': false },
  timeout: 40,
  signal: SIGNAL,
  auth: { username: 'u', password: 'p' },
  validateStatus: undefined,
  data: 'in the config',
  own: { kept: true },
  [Symbol.for('mark')]: 'kept',
});

type Ask = (instance: AxiosInstance) => Promise<unknown>;
const asks: [string, Ask][] = [
  ...(['get', 'delete', 'head', 'options'] as const).flatMap(
    (method): [string, Ask][] => [
      [method, (to) => to[method]('/a')],
      [`${method} with a config`, (to) => to[method]('/a', given())],
    ],
  ),
  ...(['post', 'put', 'patch'] as const).flatMap((method): [string, Ask][] => [
    [method, (to) => to[method]('/a')],
    [`${method} of an object`, (to) => to[method]('/a', { b: 1 })],
    [`${method} of null`, (to) => to[method]('/a', null, given())],
    [`${method} with a config`, (to) => to[method]('/a', 'text', given())],
    [
      `${method} with headers of axios`,
      (to) => to[method]('/a', 'x', { headers: new AxiosHeaders({ C: 'd' }) }),
    ],
  ]),
  ['postForm', (to) => to.postForm('/a', { b: '1' })],
  ['request', (to) => to.request({ url: '/a', ...given() })],
  ['a call', (to) => to('/a', { method: 'PATCH', data: 'x' })],
];

describe('The axios instance of a drop-in', () => {
  it.each(asks)('makes the config that axios makes: %s', async (_name, ask) => {
    const dropIn = dependency.dropIn({
      library: axios,
      enclosing: () => undefined,
    });

    const ours = await seenBy(dropIn, ask);

    const theirs = await seenBy(axios.create(), ask);
    expect(ours).toEqual(theirs);
  });

  it('leaves alone the config it is given', async () => {
    const dropIn = dependency.dropIn({
      library: axios,
      enclosing: () => undefined,
    });
    const config = Object.freeze(given());

    await seenBy(dropIn, (to) => to.get('/a', config));

    expect(config).toEqual(given());
  });

  it('rejects, and does not throw, for a config that cannot be read', async () => {
    const dropIn = dependency.dropIn({
      library: axios,
      enclosing: () => undefined,
    });
    const config = {
      get params(): never {
        throw new Error('unreadable');
      },
    };

    const asked = dropIn.get('/a', config);

    await expect(asked).rejects.toThrow('unreadable');
  });
});
