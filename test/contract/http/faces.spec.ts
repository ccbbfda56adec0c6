import { inspect } from 'node:util';
import axios, { AxiosError } from 'axios';
import {
  FormData as UndiciFormData,
  fetch as undiciFetch,
  interceptors,
  request,
} from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaceForeignHostError } from '../../../lib/core/errors.js';
import type { HttpSettings } from '../../../lib/http/http-options.js';
import { operationHttp } from '../../../lib/http/http.js';
import { addHooks } from '../../../lib/http/adapter.js';
import type { HttpTransport } from '../../../lib/http/transport.js';
import {
  FakeScope,
  httpSettings,
  transportFor,
} from '../../support/http-scope.js';
import { Upstream, echo, until } from '../../support/http-upstream.js';

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

let upstream: Upstream;
let transport: HttpTransport;
let scope: FakeScope;

beforeEach(async () => {
  upstream = await Upstream.start(echo);
  scope = new FakeScope(upstream.origin);
  configure();
});

afterEach(async () => {
  await transport.destroy();
  await upstream.stop();
});

function configure(changes: Partial<HttpSettings> = {}): void {
  transport = transportFor([upstream.origin], changes);
}

const http = () => transport.httpFor(scope);

describe('Http', () => {
  it('has the verbs of axios', async () => {
    const { get, post, put, patch } = {
      get: await http().get<Echo>('/x', { params: { a: 1 } }),
      post: await http().post<Echo>('/x', { a: 1 }),
      put: await http().put<Echo>('/x', 'text'),
      patch: await http().patch<Echo>('/x', [1]),
    };
    expect(get.data).toMatchObject({ method: 'GET', url: '/x?a=1' });
    expect(post.data).toMatchObject({ method: 'POST', body: '{"a":1}' });
    expect(put.data).toMatchObject({ method: 'PUT', body: 'text' });
    expect(patch.data).toMatchObject({ method: 'PATCH', body: '[1]' });
    expect((await http().delete<Echo>('/x')).data.method).toBe('DELETE');
    expect((await http().options<Echo>('/x')).data.method).toBe('OPTIONS');
    expect((await http().head('/x')).data).toBe('');
    expect(
      (await http().request<Echo>({ url: '/y', method: 'PUT', data: { b: 2 } }))
        .data,
    ).toMatchObject({ method: 'PUT', url: '/y', body: '{"b":2}' });
    expect(
      (await http().request<Echo>('POST', '/z', { data: { c: 3 } })).data,
    ).toMatchObject({ method: 'POST', url: '/z', body: '{"c":3}' });
  });

  it('answers with what axios answers with', async () => {
    const response = await http().get('/x');
    expect(response).toMatchObject({
      status: 200,
      statusText: 'OK',
      duration: 0,
    });
    expect(response.headers).toBeInstanceOf(axios.AxiosHeaders);
    expect(response.config).toMatchObject({
      url: '/x',
      method: 'get',
      baseURL: upstream.origin,
    });
    expect(response.request).toMatchObject({
      method: 'GET',
      path: '/x',
      host: '127.0.0.1',
      protocol: 'http:',
    });
  });

  it('rejects with a real AxiosError', async () => {
    upstream.answer((_request, response) =>
      response.writeHead(404).end('{"message":"no"}'),
    );
    const error: unknown = await http()
      .get('/x')
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      status: 404,
      response: { data: { message: 'no' } },
    });
  });

  it('keeps connections, and closes one on keepAlive: false', async () => {
    await http().get('/x');
    await http().get('/x');
    // undici marks a connection as free a tick after its answer.
    expect(await upstream.connections()).toBeLessThanOrEqual(2);

    const { data } = await http().get<Echo>('/x', {
      keepAlive: false,
    } as never);
    expect(data.headers['connection']).toBe('close');
    await until(async () => (await upstream.connections()) <= 1);
  });

  it.each([
    ["Node's", FormData],
    ["undici's", UndiciFormData as unknown as typeof FormData],
  ])('sends %s FormData', async (_name, Form) => {
    const form = new Form();
    form.append('name', 'Ada');
    const { data } = await http().post<Echo>('/x', form);
    expect(data.headers['content-type']).toMatch(
      /^multipart\/form-data; boundary=/,
    );
    expect(data.body).toContain('Ada');
    expect(data.headers['content-length']).toBe(String(data.body.length));
  });

  it('sends files of a form, and the boundary of the caller', async () => {
    const form = new FormData();
    form.append(
      'a"b',
      new File(['content'], 'c"d.txt', { type: 'text/plain' }),
    );
    const type = 'multipart/form-data; boundary=my-own-boundary';
    const { data } = await http().post<Echo>('/x', form, {
      headers: { 'content-type': type },
    });
    expect(data.headers['content-type']).toBe(type);
    expect(data.body).toBe(
      '--my-own-boundary\r\n' +
        'Content-Disposition: form-data; name="a%22b"; filename="c%22d.txt"\r\n' +
        'Content-Type: text/plain\r\n\r\ncontent\r\n' +
        '--my-own-boundary--\r\n',
    );
  });

  it("sends an object as axios' own form", async () => {
    const { data } = await http().post<Echo>(
      '/x',
      { name: 'Ada' },
      { headers: { 'content-type': 'multipart/form-data' } },
    );
    const boundary = /boundary=(.+)$/.exec(
      data.headers['content-type'] as string,
    )?.[1] as string;
    expect(boundary).toBeTruthy();
    expect(data.body).toContain(boundary);
    expect(data.body).toContain('Ada');
  });

  it('tells of progress', async () => {
    const seen: unknown[] = [];
    await http().post('/x', 'text', {
      onUploadProgress: ({ loaded, total, upload }) =>
        seen.push({ loaded, total, upload }),
      onDownloadProgress: ({ download }) => seen.push({ download }),
    });
    expect(seen).toEqual([
      { loaded: 4, total: 4, upload: true },
      { download: true },
    ]);
  });

  it.each([
    ['value', { 'X-A': 'a\r\nX-Evil: 1' }],
    ['name', { 'X-A\r\nX-Evil': '1' }],
    ['list', { 'X-A': ['a', 'b\nX-Evil: 1'] }],
  ])('refuses a line break in the %s of a header', async (_name, headers) => {
    await expect(
      http().get('/x', { headers: headers as never }),
    ).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST' });
    expect(upstream.requests).toHaveLength(0);
  });

  it('refuses a line break that a hook lets in', async () => {
    configure({
      onRequest: (config) => {
        (config.headers as unknown as Record<string, string>)['X-A'] =
          'a\r\nX-Evil: 1';
      },
    });
    await expect(http().get('/x')).rejects.toMatchObject({
      code: 'ERR_BAD_REQUEST',
    });
    expect(upstream.requests).toHaveLength(0);
  });

  it('is not moved by the global defaults of axios', async () => {
    axios.defaults.headers.common['X-Global'] = '1';
    try {
      expect(
        (await http().get<Echo>('/x')).data.headers['x-global'],
      ).toBeUndefined();
    } finally {
      delete axios.defaults.headers.common['X-Global'];
    }
  });
});

describe('Default headers', () => {
  const headers = {
    'X-Fixed': 'fixed',
    'X-Asked': () => 'asked',
    'X-Awaited': () => Promise.resolve('awaited'),
    'X-None': () => undefined,
    'X-Later-None': () => Promise.resolve(undefined),
  };
  const expected = {
    'x-fixed': 'fixed',
    'x-asked': 'asked',
    'x-awaited': 'awaited',
  };

  beforeEach(() => configure({ headers }));

  it('go with http, the adapter and the agent', async () => {
    const dispatcher = transport.agentFor(scope);
    const answers = [
      (await http().get<Echo>('/x')).data,
      (await axios.get<Echo>('/x', { adapter: transport.adapterFor(scope) }))
        .data,
      await (
        await request(`${upstream.origin}/x`, {
          dispatcher,
          headers: { 'X-Own': '1' },
        })
      ).body.json(),
      await (
        await undiciFetch(`${upstream.origin}/x`, {
          dispatcher,
          headers: { 'X-Own': '1' },
        })
      ).json(),
      await (
        await fetch(`${upstream.origin}/x`, { dispatcher } as never)
      ).json(),
    ] as Echo[];
    for (const answer of answers) {
      expect(answer.headers).toMatchObject(expected);
      expect(answer.headers).not.toHaveProperty('x-none');
      expect(answer.headers).not.toHaveProperty('x-later-none');
    }
  });

  it('give way to those of the request', async () => {
    const own = { 'x-fixed': 'own', 'X-ASKED': 'own' };
    const { data } = await http().get<Echo>('/x', { headers: own });
    expect(data.headers).toMatchObject({ 'x-fixed': 'own', 'x-asked': 'own' });
    const sent = await request(`${upstream.origin}/x`, {
      dispatcher: transport.agentFor(scope),
      headers: own,
    });
    expect(((await sent.body.json()) as Echo).headers).toMatchObject({
      'x-fixed': 'own',
      'x-asked': 'own',
    });
  });

  it('are asked for anew by each attempt of an adapter', async () => {
    let token = 0;
    configure({ headers: { 'X-Token': () => String(++token) } });
    const adapter = transport.adapterFor(scope);
    const config = {
      url: '/x',
      method: 'get',
      headers: new axios.AxiosHeaders(),
    };
    await adapter(config);
    const second = await adapter(config);
    expect((JSON.parse(second.data as string) as Echo).headers['x-token']).toBe(
      '2',
    );
  });

  it('do not go to foreign hosts', async () => {
    const foreign = await Upstream.start(echo);
    configure({ headers, allowOtherHosts: true });
    const { data } = await http().get<Echo>(`${foreign.origin}/x`);
    const sent = await request(`${foreign.origin}/x`, {
      dispatcher: transport.agentFor(scope),
    });
    expect(data.headers['x-fixed']).toBeUndefined();
    expect(
      ((await sent.body.json()) as Echo).headers['x-fixed'],
    ).toBeUndefined();
    await foreign.stop();
  });

  it('do not go where a hook sends the request', async () => {
    const foreign = await Upstream.start(echo);
    configure({
      headers,
      allowOtherHosts: true,
      onRequest: (config) => ({ ...config, url: `${foreign.origin}/x` }),
    });
    expect(
      (await http().get<Echo>('/x')).data.headers['x-fixed'],
    ).toBeUndefined();
    await foreign.stop();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no token');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no token'))],
  ])('end the request when one %s', async (_name, token) => {
    configure({ headers: { 'X-Token': token } });
    await expect(http().get('/x')).rejects.toThrow('no token');
    await expect(
      request(`${upstream.origin}/x`, {
        dispatcher: transport.agentFor(scope),
      }),
    ).rejects.toThrow('no token');
    expect(scope.listeners).toBe(0);
  });
});

describe('Hooks', () => {
  it('see the request before its body is written, and the answer after', async () => {
    configure({
      onRequest: (config) => {
        (config.data as { b: number }).b = 2;
        config.headers.set('X-Signed', 'yes');
      },
      onResponse: async (response) => ({
        ...response,
        data: { wrapped: response.data as unknown },
      }),
    });
    const { data } = await http().post<{ wrapped: Echo }>('/x', { a: 1 });
    expect(data.wrapped.body).toBe('{"a":1,"b":2}');
    expect(data.wrapped.headers['x-signed']).toBe('yes');
  });

  it('may answer another config, and nothing at all', async () => {
    configure({
      onRequest: async (config) => ({ ...config, url: '/other' }),
      onResponse: () => undefined,
    });
    expect((await http().get<Echo>('/x')).data.url).toBe('/other');
  });

  it('end the request when they throw', async () => {
    const fault = new Error('hook broke');
    for (const name of ['onRequest', 'onResponse'] as const) {
      for (const hook of [
        () => {
          throw fault;
        },
        () => Promise.reject(fault),
      ]) {
        configure({ [name]: hook });
        await expect(http().get('/x')).rejects.toBe(fault);
      }
    }
    expect(scope.listeners).toBe(0);
  });

  it('serve an axios instance as well, whose errors show no secret', async () => {
    const instance = axios.create({
      baseURL: upstream.origin,
      adapter: (config) => transport.adapterFor(scope)(config),
    });
    addHooks(instance, transport);
    const plain = await instance.post<Echo>('/x', { a: 1 });
    expect(plain.data.body).toBe('{"a":1}');

    transport.configure({
      http: httpSettings({
        onRequest: (config) => void Object.assign(config.data ?? {}, { b: 2 }),
        onResponse: (response) => void (response.statusText = 'seen'),
      }),
      hosts: [{ baseUrl: upstream.origin }],
    });
    const { data, statusText } = await instance.post<Echo>('/x', { a: 1 });
    expect([data.body, statusText]).toEqual(['{"a":1,"b":2}', 'seen']);

    const error: unknown = await instance
      .get('/x', {
        signal: AbortSignal.abort(),
        headers: { Cookie: 's3ssion' },
      })
      .catch((e: unknown) => e);
    expect(axios.isCancel(error)).toBe(true);
    expect(inspect(error, { depth: 10 })).not.toMatch(/s3ssion/);
  });

  it('cannot send the request to a foreign host', async () => {
    configure({
      onRequest: (config) => ({ ...config, url: 'http://evil.example/' }),
    });
    await expect(http().get('/x')).rejects.toBeInstanceOf(DaceForeignHostError);
  });
});

describe('Errors', () => {
  const SECRET = /t0ken|s3ssion|k3y|pa55|c2VjcmV0|proxycred/;
  const send = () =>
    http().get('/x?visible=1', {
      headers: {
        Authorization: 'Bearer t0ken',
        Cookie: 'sid=s3ssion',
        'X-Api-Key': 'k3y',
        'Proxy-Authorization': 'proxycred',
      },
    });
  const errorOf = (sent: Promise<unknown>) =>
    sent.then(
      () => {
        throw new Error('no error');
      },
      (e: unknown) => e as AxiosError,
    );

  beforeEach(() => configure({ secretHeaders: ['X-Api-Key'] }));

  const faults: readonly [string, () => Promise<unknown>][] = [
    [
      'a refused status',
      () => {
        upstream.answer((_q, r) =>
          r.writeHead(500, { 'set-cookie': 's3ssion' }).end('k3y'),
        );
        return send();
      },
    ],
    [
      'a reset connection',
      () => {
        upstream.answer((_q, r) => r.socket?.destroy());
        return send();
      },
    ],
    [
      'an answer nobody can parse',
      () => {
        upstream.answer((_q, r) =>
          r.socket?.end(
            'HTTP/1.1 200 OK\r\nset-cookie: s3ssion\r\nbroken line\r\n\r\n',
          ),
        );
        return send();
      },
    ],
    [
      'a broken body',
      () => {
        upstream.answer((_q, r) => r.end('{"k3y"'));
        return http().get('/x', {
          responseType: 'json',
          transitional: { silentJSONParsing: false },
          headers: { Cookie: 's3ssion' },
        });
      },
    ],
    [
      'a cancelled request',
      () =>
        http().get('/x', {
          signal: AbortSignal.abort(),
          headers: { Cookie: 's3ssion' },
        }),
    ],
    [
      'a header with a line break',
      () => http().get('/x', { headers: { Authorization: 't0ken\r\n' } }),
    ],
    [
      'basic auth',
      () => {
        upstream.answer((_q, r) => r.writeHead(401).end());
        return http().get('/x', { auth: { username: 'jo', password: 'pa55' } });
      },
    ],
    [
      'a password in the URL',
      () => http().get(`http://jo:pa55@127.0.0.1:${upstream.port}/x`),
    ],
  ];

  it.each(faults)('show no secret: %s', async (_name, fail) => {
    const error = await errorOf(fail());
    expect(JSON.stringify(error)).not.toMatch(SECRET);
    expect(inspect(error, { depth: 10 })).not.toMatch(SECRET);
    expect(JSON.stringify(Object.assign({}, error))).not.toMatch(SECRET);
    expect(String(error.stack)).not.toMatch(SECRET);
    expect(error.message).not.toMatch(SECRET);
  });

  it('still hold config, request and response for who asks', async () => {
    upstream.answer((_request, response) => response.writeHead(500).end());
    const error = await errorOf(send());
    expect(error.config?.headers.get('Authorization')).toBe('Bearer t0ken');
    expect(error.response?.status).toBe(500);
    expect(error.request).toBeDefined();
    expect(error.toJSON()).toMatchObject({
      status: 500,
      config: { method: 'get', url: '/x?visible=1' },
    });
  });

  it('have the code of the cause', async () => {
    await upstream.stop();
    const error = await errorOf(http().get('/x'));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', isAxiosError: true });
    upstream = await Upstream.start(echo);
  });

  it('name no host that is not there', async () => {
    const nowhere = new FakeScope('http://nowhere.invalid');
    const other = transportFor(['http://nowhere.invalid']);
    const error = await errorOf(other.httpFor(nowhere).get('/x'));
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.code);
    await other.destroy();
  });
});

describe('The agent', () => {
  it.each([
    ['another host', 'http://evil.example/'],
    ['another port', 'http://127.0.0.1:65000/'],
  ])('refuses %s', async (_name, url) => {
    const dispatcher = transport.agentFor(scope);
    await expect(request(url, { dispatcher })).rejects.toBeInstanceOf(
      DaceForeignHostError,
    );
    await expect(undiciFetch(url, { dispatcher })).rejects.toMatchObject({
      cause: { code: 'DACE_FOREIGN_HOST' },
    });
    await expect(fetch(url, { dispatcher } as never)).rejects.toMatchObject({
      cause: { code: 'DACE_FOREIGN_HOST' },
    });
  });

  it('does not follow a redirect of fetch to a foreign host', async () => {
    upstream.answer((_request, response) =>
      response.writeHead(302, { location: 'http://evil.example/' }).end(),
    );
    const sent = undiciFetch(`${upstream.origin}/x`, {
      dispatcher: transport.agentFor(scope),
    });
    await expect(sent).rejects.toMatchObject({
      cause: { code: 'DACE_FOREIGN_HOST' },
    });
  });

  it('carries interceptors of undici, whose requests pass the gate as well', async () => {
    const dispatcher = transport
      .agentFor(scope)
      .compose(interceptors.redirect({ maxRedirections: 2 }));
    const ask = (path: string) =>
      request(upstream.origin + path, { dispatcher });
    upstream.answer((asked, response) => {
      const location = { '/own': '/to', '/away': 'http://evil.example/' };
      const to = location[asked.url as keyof typeof location];
      if (to !== undefined) response.writeHead(302, { location: to });
      if (asked.url !== '/hang') response.end('there');
    });

    expect(await (await ask('/own')).body.text()).toBe('there');
    expect([scope.held, scope.listeners]).toEqual([0, 0]);
    await expect(ask('/away')).rejects.toBeInstanceOf(DaceForeignHostError);

    const hanging = ask('/hang');
    await until(() => upstream.requests.at(-1)?.url === '/hang');
    const reason = new Error('the attempt is over');
    scope.end(reason);
    await expect(hanging).rejects.toBe(reason);
    await expect(ask('/late')).rejects.toBe(reason);
    await until(() => upstream.cut === 1);
  });

  it('stays open when one attempt closes it', async () => {
    const dispatcher = transport.agentFor(scope);
    await dispatcher.close();
    await dispatcher.destroy();
    expect((await http().get('/x')).status).toBe(200);
  });

  it('drains on new settings and serves new requests by a new agent', async () => {
    let finish = () => {};
    upstream.answer(
      (_request, response) => (finish = () => response.end('"old"')),
    );
    const old = http().get('/x');
    await until(() => upstream.requests.length === 1);

    transport.configure({
      http: httpSettings({ poolSize: 3 }),
      hosts: [{ baseUrl: upstream.origin }],
    });
    upstream.answer((_request, response) => response.end('"new"'));
    expect((await http().get('/x')).data).toBe('new');
    finish();

    expect((await old).data).toBe('old');
  });

  it('closes after answers under way, and refuses then', async () => {
    let finish = () => {};
    upstream.answer(
      (_request, response) => (finish = () => response.end('"late"')),
    );
    const late = http().get('/x');
    await until(() => upstream.requests.length === 1);

    const closed = transport.close();
    finish();

    expect((await late).data).toBe('late');
    await closed;
    await expect(http().get('/x')).rejects.toMatchObject({
      code: 'UND_ERR_CLOSED',
    });
  });

  it('keeps at most poolSize connections to a host', async () => {
    configure({ poolSize: 2 });
    const waiting: (() => void)[] = [];
    upstream.answer((_request, response) =>
      waiting.push(() => response.end('1')),
    );
    const all = Array.from({ length: 5 }, () => http().get('/x'));
    await until(() => waiting.length === 2);
    expect(await upstream.connections()).toBe(2);
    upstream.answer((_request, response) => response.end('1'));
    for (const finish of waiting) finish();
    await Promise.all(all);
    expect(await upstream.connections()).toBe(2);
  });
});

describe('A proxy', () => {
  it('is asked in absolute form for http', async () => {
    const proxy = await Upstream.start(echo);
    configure({ proxy: `http://jo:pw@127.0.0.1:${proxy.port}` });
    const { data } = await http().get<Echo>('/x');
    expect(data.url).toBe(`${upstream.origin}/x`);
    expect(data.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('jo:pw').toString('base64')}`,
    );
    expect(upstream.requests).toHaveLength(0);
    await transport.destroy();
    await proxy.stop();
  });

  it('of the environment is passed by for NO_PROXY', async () => {
    const proxy = await Upstream.start(echo);
    const before = { ...process.env };
    Object.assign(process.env, { http_proxy: proxy.origin, no_proxy: '' });
    configure({ proxy: true });
    await http().get('/x');
    process.env['no_proxy'] = '127.0.0.1';
    await http().get('/x');
    process.env = before;
    expect([proxy.requests.length, upstream.requests.length]).toEqual([1, 1]);
    await transport.destroy();
    await proxy.stop();
  });
});

describe('Http of an operation', () => {
  it('gives each request to the runner, once, and returns its answer', async () => {
    const seen: unknown[] = [];
    const face = operationHttp((work, info) => {
      seen.push(info);
      return work(http());
    });
    expect((await face.post<Echo>('/x', { a: 1 })).data.body).toBe('{"a":1}');
    expect((await face.request<Echo>({ url: '/y' })).data.url).toBe('/y');
    expect(seen).toEqual([
      { method: 'post', url: '/x', address: { url: '/x' } },
      { method: 'get', url: '/y', address: { url: '/y' } },
    ]);
    expect(upstream.requests).toHaveLength(2);
  });

  it('can be run again', async () => {
    const face = operationHttp(async (work) => {
      await work(http());
      return work(http());
    });
    await face.post('/x', { a: 1 });
    expect(upstream.requests).toHaveLength(2);
  });
});
