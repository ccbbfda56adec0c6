import { describe, expect, it } from 'vitest';
import { DaceForeignHostError } from '../../../lib/core/errors.js';
import { Gate } from '../../../lib/http/gate.js';
import type { Address } from '../../../lib/http/gate.js';
import { FakeScope } from '../../support/http-scope.js';

const OWN = 'http://10.0.0.1:8080/api';
const OTHER_OWN = 'https://b.example/v1';
const gate = new Gate(
  'payments',
  [{ baseUrl: OWN }, { baseUrl: OTHER_OWN }],
  false,
);
const scope = new FakeScope(OWN);

const goal = (address: Address | string, by = gate, of = scope) => {
  const target = by.resolve(
    typeof address === 'string' ? { url: address } : address,
    of,
  );
  return target.origin + target.path;
};

describe('The gate lets through', () => {
  it.each([
    ['/accounts/7', 'http://10.0.0.1:8080/api/accounts/7'],
    ['accounts/7', 'http://10.0.0.1:8080/api/accounts/7'],
    ['', 'http://10.0.0.1:8080/api'],
    ['?a=1', 'http://10.0.0.1:8080/api/?a=1'],
    [
      '/a?next=//evil.example/%2e%2e/',
      'http://10.0.0.1:8080/api/a?next=//evil.example/%2e%2e/',
    ],
    ['/a?x=1#fragment', 'http://10.0.0.1:8080/api/a?x=1'],
    ['/a/../b', 'http://10.0.0.1:8080/api/b'],
    ['/a/./b', 'http://10.0.0.1:8080/api/a/b'],
    ['/a..b/c', 'http://10.0.0.1:8080/api/a..b/c'],
    ['/group%2Fproject', 'http://10.0.0.1:8080/api/group%2Fproject'],
    ['/ä b', 'http://10.0.0.1:8080/api/%C3%A4%20b'],
    ['/.well-known/x', 'http://10.0.0.1:8080/api/.well-known/x'],
    ['http://10.0.0.1:8080/elsewhere', 'http://10.0.0.1:8080/elsewhere'],
    ['HTTP://10.0.0.1:8080/x', 'http://10.0.0.1:8080/x'],
    ['https://b.example:443/x', 'https://b.example/x'],
    ['https://B.EXAMPLE/x', 'https://b.example/x'],
  ])('%s', (url, expected) => {
    expect(goal(url)).toBe(expected);
  });

  it('a relative URL on a base of the caller', () => {
    expect(goal({ url: 'x', baseURL: `${OTHER_OWN}/deep/` })).toBe(
      'https://b.example/v1/deep/x',
    );
    expect(goal({ url: '/x', baseURL: '/v2' })).toBe(
      'http://10.0.0.1:8080/api/v2/x',
    );
  });

  it('an absolute URL as a path where absolute URLs are off', () => {
    expect(
      goal({ url: 'http://evil.example/x', allowAbsoluteUrls: false }),
    ).toBe('http://10.0.0.1:8080/api/http://evil.example/x');
  });

  it("the attempt's own netloc, though it is not listed", () => {
    const pinned = new FakeScope('http://10.9.9.9:81');
    expect(goal('/x', gate, pinned)).toBe('http://10.9.9.9:81/x');
    expect(goal('http://10.9.9.9:81/x', gate, pinned)).toBe(
      'http://10.9.9.9:81/x',
    );
  });
});

describe('The gate stops', () => {
  it.each([
    ['another host', 'http://evil.example/'],
    [
      'a host that begins like one of its own',
      'http://10.0.0.1.evil.example:8080/',
    ],
    ['another port', 'http://10.0.0.1:9090/'],
    ['the default port of its host', 'http://10.0.0.1/'],
    ['https to http', 'http://b.example/'],
    ['http to https', 'https://10.0.0.1:8080/'],
    ['a URL without scheme', '//evil.example/x'],
    ['three slashes', '///evil.example/x'],
    ['a scheme without slashes', 'http:evil.example'],
    ['one slash', 'http:/evil.example/x'],
    ['a backslash after the scheme', 'http:\\\\evil.example/x'],
    ['a leading backslash', '\\\\evil.example'],
    ['slash and backslash', '/\\evil.example'],
    ['a backslash in the authority', 'http://10.0.0.1:8080\\@evil.example/'],
    ['a user name', 'http://10.0.0.1:8080@evil.example/'],
    ['a user name at its own host', 'http://jo:pw@10.0.0.1:8080/'],
    ['javascript:', 'javascript:alert(1)'],
    ['file:', 'file:///etc/passwd'],
    ['data:', 'data:text/plain,x'],
    ['ftp:', 'ftp://10.0.0.1:8080/x'],
    ['a host and port that look like a scheme', 'localhost:9200/x'],
    ['..', '/../admin'],
    ['.. in the middle', '/a/../../admin'],
    ['.. at the end', '/..'],
    ['.. without slash', '../admin'],
    ['encoded dots', '/%2e%2e/admin'],
    ['half encoded dots', '/.%2E/admin'],
    ['encoded slashes around ..', '/a%2f..%2f..%2fadmin'],
    ['encoded backslashes around ..', '/a%5c..%5cadmin'],
    ['a line break', '/a\r\nHost: evil.example'],
    ['a tab', 'ht\ttp://evil.example'],
    ['NUL', '/a\0b'],
    ['something that is no URL', 'http://[::1/'],
  ])('%s', (_name, url) => {
    expect(() => goal(url)).toThrow(DaceForeignHostError);
  });

  it.each([
    ['a foreign base', { url: '/x', baseURL: 'http://evil.example' }],
    ['a base without scheme', { url: '/x', baseURL: '//evil.example' }],
    [
      '.. out of the base of the caller',
      { url: '../x', baseURL: `${OTHER_OWN}/deep` },
    ],
    ['a base that climbs', { url: 'x', baseURL: '/../../admin' }],
    [
      'a foreign base where absolute URLs are off',
      { url: '/x', baseURL: 'http://evil.example', allowAbsoluteUrls: false },
    ],
  ])('%s', (_name, address) => {
    expect(() => goal(address)).toThrow(DaceForeignHostError);
  });

  it('relative URLs where there is no host', () => {
    const open = new Gate('payments', [], false);
    expect(() => goal('/x', open, new FakeScope())).toThrow(/no hosts/);
  });

  it('without quoting a password', () => {
    expect(() => goal('http://jo:geheim@evil.example/')).toThrow(
      /^(?!.*geheim)/,
    );
  });
});

describe('The gate, asked for other hosts', () => {
  it('lets them through as foreign', () => {
    const open = new Gate('payments', [{ baseUrl: OWN }], true);
    expect(open.resolve({ url: 'http://other.example/x' }, scope)).toEqual({
      origin: 'http://other.example',
      path: '/x',
      isOwn: false,
    });
    expect(open.resolve({ url: '/x' }, scope).isOwn).toBe(true);
  });

  it('takes any http(s) URL as foreign where there are no hosts', () => {
    const open = new Gate('payments', [], false);
    const nowhere = new FakeScope();
    expect(open.resolve({ url: 'https://a.example/x' }, nowhere).isOwn).toBe(
      false,
    );
    expect(() => goal('ftp://a.example/x', open, nowhere)).toThrow(
      DaceForeignHostError,
    );
    expect(() => goal('http://jo@a.example/x', open, nowhere)).toThrow(
      DaceForeignHostError,
    );
  });

  it('knows its new hosts once they are set', () => {
    const moving = new Gate('payments', [{ baseUrl: OWN }], false);
    moving.configure([{ baseUrl: 'http://c.example' }], false);
    expect(goal('http://c.example/x', moving)).toBe('http://c.example/x');
  });
});

describe('The gate, following a redirect', () => {
  const from = 'http://10.0.0.1:8080/api/a/b';

  it.each([
    ['/elsewhere', 'http://10.0.0.1:8080/elsewhere'],
    ['c', 'http://10.0.0.1:8080/api/a/c'],
    ['https://b.example/x', 'https://b.example/x'],
  ])('goes to %s', (location, expected) => {
    const { origin, path } = gate.follow(location, from, scope);
    expect(origin + path).toBe(expected);
  });

  it.each([
    'http://evil.example/',
    '//evil.example/',
    '\\\\evil.example/',
    'http://b.example/',
    'http://jo@10.0.0.1:8080/',
    'file:///etc/passwd',
    'http://[',
  ])('refuses %s', (location) => {
    expect(() => gate.follow(location, from, scope)).toThrow(
      DaceForeignHostError,
    );
  });
});

describe('The gate of a dispatcher', () => {
  it('knows origins as texts, as URLs and by default', () => {
    expect(gate.admit('http://10.0.0.1:8080', '/x', scope).isOwn).toBe(true);
    expect(gate.admit(new URL(OTHER_OWN), '/x', scope).origin).toBe(
      'https://b.example',
    );
    expect(gate.admit(undefined, '/x', scope).origin).toBe(
      'http://10.0.0.1:8080',
    );
  });

  it.each([
    ['http://evil.example', '/'],
    ['http://jo@10.0.0.1:8080', '/'],
    ['http://10.0.0.1:8080', 'http://evil.example/'],
    ['http://10.0.0.1:8080', 'evil.example:443'],
    ['http://10.0.0.1:8080', '/a\r\nX: y'],
    ['no origin', '/'],
  ])('refuses %s %s', (origin, path) => {
    expect(() => gate.admit(origin, path, scope)).toThrow(DaceForeignHostError);
  });
});
