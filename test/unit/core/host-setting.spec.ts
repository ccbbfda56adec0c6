import { describe, expect, it } from 'vitest';
import { isHostName } from '../../../lib/core/host-setting.js';

describe('The name of a host', () => {
  it.each([
    'a',
    'A',
    '7',
    '_',
    'ab',
    'a-b',
    'a--b',
    'a_b',
    '_http._tcp.search.internal',
    'search.internal',
    'Search-1.Internal',
    '10.0.0.1',
    'a.b.c.d.e',
    'xn--mller-kva.de',
    'a'.repeat(253),
  ])('may be %s', (name) => {
    expect(isHostName(name)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['a point', '.'],
    ['a point at the start', '.a'],
    ['a point at the end', 'a.'],
    ['two points', 'a..b'],
    ['a hyphen', '-'],
    ['a hyphen at the start', '-a'],
    ['a hyphen at the end', 'a-'],
    ['a hyphen at the start of a part', 'a.-b'],
    ['a hyphen at the end of a part', 'a.b-'],
    ['a hyphen at the end of an inner part', 'a-.b'],
    ['a part of a hyphen', 'a.-.b'],
    ['a blank before it', ' a'],
    ['a blank after it', 'a '],
    ['a new line after it', 'a\n'],
    ['a port', 'a:80'],
    ['a scheme', 'http://a'],
    ['a path', 'a/b'],
    ['other letters', 'müller.de'],
    ['other letters of an inner part', 'a.müller.de'],
    ['254 letters', 'a'.repeat(254)],
    ['no text', 7],
    ['what reads like a name', { length: 1, toString: () => 'a' }],
    ['undefined', undefined],
    ['null', null],
  ])('is not %s', (_what, name) => {
    expect(isHostName(name)).toBe(false);
  });
});
