import { describe, expect, it } from 'vitest';
import { troubleOf, weatherLines } from '../../../lib/simulate/weather.js';
import type { HostProfile } from '../../../lib/simulation/contract.js';

const scenario = (...hosts: HostProfile[]) => ({ seconds: 60, hosts });

describe('The time of trouble', () => {
  it('runs from the first change to the return of the last host', () => {
    expect(
      troubleOf(
        scenario(
          {
            phases: [
              { fromS: 10, hangRatio: 1 },
              { fromS: 20, hangRatio: 0 },
            ],
          },
          {
            phases: [
              { fromS: 15, status: 503, errorRatio: 1 },
              { fromS: 30, errorRatio: 0 },
            ],
          },
        ),
      ),
    ).toEqual({ fromMs: 10_000, toMs: 30_000 });
  });

  it('lasts until a ramp back has arrived', () => {
    expect(
      troubleOf(
        scenario({
          latencyMs: 20,
          phases: [
            { fromS: 10, latencyMs: 900 },
            { fromS: 20, latencyMs: 20, rampS: 5 },
          ],
        }),
      ),
    ).toEqual({ fromMs: 10_000, toMs: 25_000 });
  });

  it('does not end while one host is not what it was', () => {
    expect(
      troubleOf(scenario({ phases: [{ fromS: 10, errorRatio: 0.1 }] })),
    ).toEqual({ fromMs: 10_000, toMs: null });
  });

  it('is none where a phase changes nothing that callers could see', () => {
    expect(troubleOf(scenario({ phases: [{ fromS: 10, status: 503 }] }))).toBe(
      null,
    );
  });

  it('takes what holds from the first second as usual', () => {
    expect(
      troubleOf(
        scenario({ errorRatio: 1, phases: [{ fromS: 0, errorRatio: 0 }] }),
      ),
    ).toBe(null);
  });

  it('knows a rush of callers', () => {
    expect(
      troubleOf({
        seconds: 60,
        traffic: [
          { fromS: 0, perSecond: 100 },
          { fromS: 20, perSecond: 300 },
          { fromS: 40, perSecond: 100 },
        ],
      }),
    ).toEqual({ fromMs: 20_000, toMs: 40_000 });
  });

  it('is none in a steady stream', () => {
    expect(troubleOf({ seconds: 60, traffic: 100 })).toBe(null);
  });
});

describe('What the hosts did', () => {
  it('is told in the order of time, hosts of one fate together', () => {
    const lines = weatherLines(
      scenario(
        { phases: [{ fromS: 10, refusesConnections: true }] },
        { phases: [{ fromS: 5, hangRatio: 0.5 }] },
      ),
      ['a:80', 'b:80'],
    );

    expect(lines).toEqual([
      { atS: 0, host: 'a:80, b:80', text: 'answers in 20 ms' },
      { atS: 5, host: 'b:80', text: 'answers in 20 ms; 50 % never answered' },
      { atS: 10, host: 'a:80', text: 'refuses connections' },
    ]);
  });

  it('names what a phase leaves as it was', () => {
    const [, later] = weatherLines(
      scenario({
        latencyMs: { p50: 25, p99: 120 },
        status: 503,
        retryAfterS: 3,
        capacity: 4,
        phases: [{ fromS: 9, errorRatio: 0.25, rampS: 2 }],
      }),
      ['a:80'],
    );

    expect(later?.text).toBe(
      'answers in 25 ms (p99 120 ms); 25 % are answered 503, Retry-After 3; serves 4 at once, reached over 2 s',
    );
  });
});
