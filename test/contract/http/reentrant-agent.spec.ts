import type { Call } from 'nestjs-dace/core';
import { fetch as undiciFetch, request as ask, type Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { textOf, until } from '../../support/http-upstream.js';
import {
  atRest,
  dependency,
  open,
  served,
  unhandled,
  upstream,
} from '../../support/reentrant.js';

/** A handler of undici's is code of the user's: each of its methods may do what it likes. */
served(async (request, response) => {
  const body = await textOf(request);
  if (request.url === '/hangs') return;
  response.write('first');
  setImmediate(() => response.end(`then ${body.length}`));
});

type Method = 'connect' | 'headers' | 'data' | 'complete' | 'error';
const METHODS: readonly Method[] = ['connect', 'headers', 'data', 'complete'];
type End = (error?: unknown) => void;

/** Of both of undici's forms; `at` is called with the name of each method. */
/* oxlint-disable typescript/no-deprecated -- handlers of undici 6 and of Node's own fetch */
const HANDLERS: Record<
  string,
  (at: (method: Method) => void, end: End) => Dispatcher.DispatchHandler
> = {
  'of the earlier form': (at, end) => ({
    onConnect: () => at('connect'),
    onHeaders: () => {
      at('headers');
      return true;
    },
    onData: () => {
      at('data');
      return true;
    },
    onComplete: () => {
      at('complete');
      end();
    },
    onError: (error) => {
      end(error);
      at('error');
    },
  }),
  'of the later form': (at, end) => ({
    onRequestStart: () => at('connect'),
    onResponseStart: () => at('headers'),
    onResponseData: () => at('data'),
    onResponseEnd: () => {
      at('complete');
      end();
    },
    onResponseError: (_controller, error) => {
      end(error);
      at('error');
    },
  }),
};

/* oxlint-enable typescript/no-deprecated */

const ACTS: Record<string, (controller: AbortController) => void> = {
  'gives up': (controller) => controller.abort(),
  'gives up for something without a text': (controller) =>
    controller.abort(Object.create(null)),
  'closes the dependency': () => void dependency.close(),
  'changes the connections': () =>
    dependency.configure({ http: { poolSize: 7, connectTimeoutMs: 900 } }),
  'lets go of the host': () =>
    dependency.configure({ hosts: ['http://127.0.0.1:1'] }),
  'calls the dependency': () => void dependency.http.get('/x').catch(() => 0),
  throws: () => {
    throw new Error('of the handler');
  },
  'throws null': () => {
    // oxlint-disable-next-line no-throw-literal -- somebody does
    throw null;
  },
};

const dispatched = (
  call: Call,
  make: (typeof HANDLERS)[string],
  at: (method: Method) => void,
  path = '/x',
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const end: End = (error) =>
      error === undefined ? resolve('complete') : reject(error);
    call.agent.dispatch(
      { path, method: 'POST', body: 'body', origin: upstream.origin },
      make(at, end),
    );
  });

describe.each(Object.entries(HANDLERS))('A handler %s', (_form, make) => {
  describe.each(METHODS)('that in %s', (method) => {
    it.each(Object.entries(ACTS))('%s ends its request', async (name, act) => {
      open();
      const controller = new AbortController();
      let times = 0;
      const at = (reached: Method): void => {
        if (reached !== method) return;
        times += 1;
        if (times === 1) act(controller);
      };
      const startedMs = performance.now();
      await dependency
        .execute((call) => dispatched(call, make, at), {
          signal: controller.signal,
        })
        .catch(() => 0);
      expect(performance.now() - startedMs).toBeLessThan(9_000);
      expect(times).toBeGreaterThan(0);
      await until(atRest);
      expect(
        upstream.requests.filter(({ method: verb }) => verb === 'POST').length,
      ).toBeLessThanOrEqual(1);
      if (name === 'closes the dependency') return;
      dependency.configure({ hosts: [upstream.origin] });
      expect((await dependency.http.get('/next')).status).toBe(200);
      expect(unhandled).toEqual([]);
    });
  });
});

describe.each(Object.entries(HANDLERS))(
  'A request of a handler %s',
  (_form, make) => {
    it.each([null, 7, 'text', Object.create(null), Symbol('given up')])(
      'is cut though its caller gives up for %o',
      async (reason) => {
        open();
        const controller = new AbortController();
        const sent = dependency
          .execute((call) => dispatched(call, make, () => {}, '/hangs'), {
            signal: controller.signal,
          })
          .catch(() => 0);
        await until(() => upstream.requests.length === 1);
        controller.abort(reason);
        await sent;
        await until(() => upstream.cut === 1);
        await until(atRest);
        expect(unhandled).toEqual([]);
      },
    );
  },
);

const CLIENTS: Record<string, (call: Call) => Promise<unknown>> = {
  'Node’s fetch': (call) =>
    fetch(`${upstream.origin}/x`, { dispatcher: call.agent } as object),
  'undici’s fetch': (call) =>
    undiciFetch(`${upstream.origin}/x`, { dispatcher: call.agent }),
  'undici’s request': (call) =>
    ask(`${upstream.origin}/x`, { dispatcher: call.agent }),
};

describe.each(Object.entries(CLIENTS))('An answer of %s', (_name, answer) => {
  it.each(Object.entries(ACTS).slice(0, -2))(
    'is let go by who %s as it begins',
    async (name, act) => {
      open();
      const controller = new AbortController();
      await dependency
        .execute(
          async (call) => {
            const given = (await answer(call)) as Response & {
              body: { dump?(): Promise<void> };
            };
            act(controller);
            if (given.body.dump) await given.body.dump();
            else await given.body.cancel();
          },
          { signal: controller.signal },
        )
        .catch(() => 0);
      await until(atRest);
      if (name === 'closes the dependency') return;
      dependency.configure({ hosts: [upstream.origin] });
      expect((await dependency.http.get('/next')).status).toBe(200);
      expect(unhandled).toEqual([]);
    },
  );

  it('ends with the dependency, over connections it has given up as well', async () => {
    open();
    upstream.answer((_request, response) => void response.write('first'));
    const body = await dependency.execute(
      async (call) => ((await answer(call)) as Response).body,
    );
    dependency.configure({ http: { poolSize: 3 } });
    await dependency.close();
    await expect(
      (async () => {
        for await (const _ of body as unknown as AsyncIterable<unknown>);
      })(),
    ).rejects.toThrow();
    await until(async () => (await upstream.connections()) === 0);
    expect(unhandled).toEqual([]);
  });
});
