import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostSettingOf,
  normalizeNetloc,
  parseHost,
} from '../../../lib/dependency/netloc.js';

describe('A host in the options', () => {
  it.each([
    ['http://10.0.0.1:8080', 'http', '10.0.0.1:8080', 'http://10.0.0.1:8080'],
    [
      'https://Search.Example',
      'https',
      'search.example:443',
      'https://search.example',
    ],
    ['HTTP://a:443', 'http', 'a:443', 'http://a:443'],
    ['a', 'http', 'a:80', 'http://a'],
    ['a:8080', 'http', 'a:8080', 'http://a:8080'],
    ['a:443', 'https', 'a:443', 'https://a'],
    [
      'my_service-1.local',
      'http',
      'my_service-1.local:80',
      'http://my_service-1.local',
    ],
    ['http://a/Base/path/', 'http', 'a:80', 'http://a/Base/path'],
    ['a:443/base', 'https', 'a:443', 'https://a/base'],
    ['[::1]:9200', 'http', '[::1]:9200', 'http://[::1]:9200'],
    ['https://[0:0::1]', 'https', '[::1]:443', 'https://[::1]'],
    ['müller.de', 'http', 'xn--mller-kva.de:80', 'http://xn--mller-kva.de'],
  ])('%s is read', (input, protocol, netloc, baseUrl) => {
    expect(parseHost(input)).toEqual({ protocol, netloc, baseUrl, weight: 1 });
  });

  it('may be a URL object', () => {
    expect(parseHost(new URL('https://a/b/'))).toEqual({
      protocol: 'https',
      netloc: 'a:443',
      baseUrl: 'https://a/b',
      weight: 1,
    });
  });

  it('may carry a weight', () => {
    const host = parseHost({ url: new URL('http://a'), weight: 2.5 });

    expect(host).toMatchObject({ netloc: 'a:80', weight: 2.5 });
  });

  it.each([
    ['', 'expected an http or https URL'],
    ['http://', 'expected an http or https URL'],
    ['http://:80', 'expected an http or https URL'],
    ['a:0', 'expected an http or https URL'],
    ['a:65536', 'expected an http or https URL'],
    ['a:b', 'expected an http or https URL'],
    ['http://*', 'expected an http or https URL'],
    ['http://a%2fb', 'expected an http or https URL'],
    [' a', 'without blanks'],
    ['http://a\\b', 'backslashes'],
    ['//a', 'with the scheme'],
    ['redis://a', 'scheme http or https'],
    ['::1', 'in brackets'],
    ['a:80,b:80', "split(',')"],
    ['http://u:p@a', 'no user or password'],
    ['http://@a', 'no user or password'],
    ['u@a', 'no user or password'],
    ['http://a?', 'no query'],
    ['http://a?x=1', 'no query'],
    ['a#', 'no fragment'],
    [new URL('ftp://a'), 'scheme http or https'],
    [new URL('http://a/?x'), 'no query'],
    [new URL('http://u@a'), 'no user or password'],
    [5, '{ url, weight }'],
    [null, '{ url, weight }'],
    [['a'], '{ url, weight }'],
    [{ weight: 1 }, 'url: expected'],
    [{ url: 'a', weight: 0 }, 'weight to be a finite number above 0'],
    [{ url: 'a', weight: NaN }, 'weight to be a finite number above 0'],
    [{ url: 'a', weight: Infinity }, 'weight to be a finite number above 0'],
    [{ url: 'a', weight: '2' }, 'weight to be a finite number above 0'],
    [{ url: 'a', wieght: 2 }, 'without "wieght"'],
  ])('%j is refused', (input, text) => {
    expect(parseHost(input as never)).toEqual(expect.stringContaining(text));
  });

  it('never carries a netloc without a port, whatever URL it is', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['http', 'https'] }), (url) => {
        const host = parseHost(url);

        if (typeof host === 'string') return;
        expect(host.netloc).toMatch(/^[^A-Z/]+:\d+$/);
        expect(parseHost(host.baseUrl)).toEqual(host);
      }),
    );
  });
});

describe('A netloc', () => {
  it.each([
    ['a', 'a:80'],
    ['A:8080', 'a:8080'],
    ['a:443', 'a:443'],
    ['a:00443', 'a:443'],
    ['a:65535', 'a:65535'],
    ['[::1]', '[::1]:80'],
    ['[0:0::1]:9', '[::1]:9'],
    ['münchen.de:81', 'xn--mnchen-3ya.de:81'],
  ])('%s becomes %s', (text, netloc) => {
    expect(normalizeNetloc(text)).toBe(netloc);
  });

  it.each([
    'tenant 1',
    'a/b',
    'a:99999',
    'a:0',
    'a:',
    ':80',
    '::1',
    '[x]',
    'a@b',
    'x'.repeat(255).replace('x', ' '),
  ])('%j is a key of its own', (key) => {
    expect(normalizeNetloc(key)).toBe(key);
  });

  it('stays what it is when read again', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 255 }), (text) => {
        const netloc = normalizeNetloc(text);

        expect(normalizeNetloc(netloc)).toBe(netloc);
      }),
    );
  });
});

describe('The host behind a netloc', () => {
  it.each([
    ['a:80', undefined, 'http', 'a:80', 'http://a'],
    ['a:443', undefined, 'https', 'a:443', 'https://a'],
    ['a:443', 'http', 'http', 'a:443', 'http://a:443'],
    ['a:80', 'https', 'https', 'a:80', 'https://a:80'],
    ['A', 'https', 'https', 'a:443', 'https://a'],
    ['B:81', 'http', 'http', 'b:81', 'http://b:81'],
    ['tenant 1', undefined, 'http', 'tenant 1', ''],
  ])('%s over %s', (text, protocol, expected, netloc, baseUrl) => {
    expect(hostSettingOf(text, protocol)).toEqual({
      protocol: expected,
      netloc,
      baseUrl,
      weight: 1,
    });
  });
});
