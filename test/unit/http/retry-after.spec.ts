import { describe, expect, it } from 'vitest';
import { parseRetryAfterMs } from '../../../lib/http/retry-after.js';

const NOW = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

describe('Retry-After', () => {
  it.each([
    ['seconds', '3', 3_000],
    ['nothing', '0', 0],
    ['seconds in spaces', ' 120 ', 120_000],
    ['a number', 7, 7_000],
    ['the first of several', ['5', '9'], 5_000],
    ['a date', 'Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['a date gone by', 'Wed, 21 Oct 2026 07:27:00 GMT', 0],
    ['a date of RFC 850', 'Wednesday, 21-Oct-26 07:28:10 GMT', 10_000],
    ['a date of asctime', 'Wed Oct 21 07:28:05 2026', 5_000],
  ])('reads %s', (_name, header, expected) => {
    expect(parseRetryAfterMs(header, NOW)).toBe(expected);
  });

  it.each([
    undefined,
    null,
    '',
    'soon',
    '-1',
    '1.5',
    '3s',
    '1e3',
    '2026-10-21',
    'Wed',
    '12345678901',
    {},
    [],
    NaN,
    -1,
    'Wed, 99 Oct 2026 07:28:30 GMT',
  ])('takes %j as absent', (header) => {
    expect(parseRetryAfterMs(header, NOW)).toBeUndefined();
  });
});
