import { once } from 'node:events';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACES, faces, outcomeOf, plainAxios } from '../../support/parity.js';

/** A server that says, to each request, what the test gives it. */
let server: Server;
let sockets: Socket[];
let says: string;
let origin: string;
let dependency: Dependency;

beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => void socket.write(says, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  dependency = createDependency('payments', {
    hosts: [origin],
    retry: false,
    timeoutMs: 5_000,
  });
});
afterEach(async () => {
  await dependency.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const ok = (fields: string, body = '{}') =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}`;
const fields = (count: number, name = 'x-field') =>
  Array.from({ length: count }, (_one, i) => `${name}-${i}: v\r\n`).join('');

/** Names that are those of methods of the object which holds them. */
const METHODS = [
  'get',
  'has',
  'set',
  'delete',
  'clear',
  'normalize',
  'concat',
  'constructor',
  'then',
  'map',
];

describe.each(FACES)('As with axios, %s reads', (face) => {
  const LIKE: Record<string, string> = {
    'two hundred fields': ok(fields(200)),
    'a field that comes a hundred times': ok('x-many: v\r\n'.repeat(100)),
    'a hundred cookies': ok(
      Array.from({ length: 100 }, (_one, i) => `set-cookie: c${i}=v\r\n`).join(
        '',
      ),
    ),
    'a field without a value': ok('x-empty:\r\nx-blank:   \r\n'),
    'a hundred hints before the answer': `${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100)}${ok('')}`,
    'fields that are those of a prototype': ok(
      '__proto__: evil\r\nprototype: x\r\ntostring: y\r\n',
    ),
    'a body after which more comes': `${ok('')}HTTP/1.1 200 OK\r\n\r\n`,
  };

  it.each(Object.entries(LIKE))('%s', async (_name, answer) => {
    says = answer;
    const expected = await outcomeOf(plainAxios(origin).get('/x'));
    const actual = await outcomeOf(faces(dependency)[face]({ url: '/x' }));
    expect(actual).toEqual(expected);
    expect(actual).toMatchObject({ status: 200, data: {} });
  });

  it.each(METHODS)('a field that is called %s', async (name) => {
    says = ok(`${name}: v\r\nretry-after: 3\r\n`).replace('200 OK', '503 Busy');
    const send = faces(dependency)[face];
    const sent = send({ url: '/x', onDownloadProgress: () => {} });
    const error = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(dependency.snapshot()).toMatchObject({
      inFlight: 0,
      window: { calls: 1, failures: 1 },
    });
    says = ok('');
    expect(await faces(dependency)[face]({ url: '/x' })).toMatchObject({
      status: 200,
    });
  });
});

describe.each(FACES)('No answer, to %s,', (face) => {
  const NONE: Record<string, [answer: string, code: string]> = {
    'is an upgrade that nobody asked for': [
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'ECONNRESET',
    ],
    'are more fields than anybody reads': [
      ok(fields(5_000)),
      'HPE_HEADER_OVERFLOW',
    ],
  };

  it.each(Object.entries(NONE))('%s', async (_name, [answer, code]) => {
    says = answer;
    const sent = faces(dependency)[face]({ url: '/x' });
    await expect(sent).rejects.toMatchObject({ code });
    expect(dependency.snapshot().window).toMatchObject({ failures: 1 });
    says = ok('');
    expect(await faces(dependency)[face]({ url: '/x' })).toMatchObject({
      status: 200,
    });
  });
});
