import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type DaceLogger,
  type Dependency,
} from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

const SENT = 'eyJhbGciOi.sent-by-the-call';
const DEFAULT = 'k3y-of-the-dependency';
const COOKIE = 'sid=s3ss10n';
const SECRETS = [SENT, DEFAULT, COOKIE, 's3ss10n'];

/** All texts that a log, a debugger or a serializer would make of an error and its causes. */
function texts(error: unknown): string[] {
  const found: string[] = [];
  for (let each = error, depth = 0; each && depth < 10; depth++) {
    found.push(
      inspect(each),
      inspect(each, { depth: Infinity }),
      inspect(each, { showHidden: false, depth: 20, getters: true }),
      String(each),
      String((each as Error).stack),
    );
    try {
      found.push(JSON.stringify(each));
    } catch {
      // Circles make no text.
    }
    each = (each as Error).cause;
  }
  return found;
}

describe('After 1,000 failing calls', () => {
  let upstream: Upstream;
  let dependency: Dependency;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    const write = (line: string): void => void lines.push(line);
    const logger: DaceLogger = {
      log: write,
      warn: write,
      error: write,
      debug: write,
    };
    let n = 0;
    upstream = await Upstream.start((request, response) => {
      n += 1;
      if (n % 5 === 0) {
        request.socket.destroy();
        return;
      }
      if (n % 50 === 1) return; // hangs
      response.statusCode = [500, 404, 429, 503][n % 4]!;
      response.setHeader('set-cookie', COOKIE);
      response.end(`{"you":"${n}"}`);
    });
    dependency = createDependency(
      'payments',
      {
        hosts: [upstream.origin],
        circuit: { resetTimeoutMs: 20 },
        attemptTimeoutMs: 100,
        abandonAfterMs: 0,
        http: {
          headers: { 'x-api-key': DEFAULT },
          secretHeaders: ['x-api-key'],
        },
      },
      { logger },
    );
  });
  afterEach(async () => {
    await dependency.close();
    await upstream.stop();
  });

  it('no line, no inspection and no JSON holds what was sent', async () => {
    const errors: unknown[] = [];
    const headers = {
      Authorization: `Bearer ${SENT}`,
      Cookie: COOKIE,
    };
    for (let batch = 0; batch < 100; batch++) {
      const calls = Array.from({ length: 10 }, (_each, n) =>
        n % 2 === 0
          ? dependency.http.get('/', { headers })
          : dependency.execute((call) =>
              call.http.post('/', { a: 1 }, { headers }),
            ),
      );
      for (const call of await Promise.allSettled(calls))
        if (call.status === 'rejected') errors.push(call.reason);
    }
    expect(errors).toHaveLength(1_000);
    expect(upstream.requests[0]!.headers).toMatchObject({
      authorization: `Bearer ${SENT}`,
      'x-api-key': DEFAULT,
    });
    expect(lines.length).toBeGreaterThan(0);
    const all = [...lines, ...errors.flatMap(texts)];
    all.push(inspect(dependency.snapshot(), { depth: 10 }));
    for (const secret of SECRETS)
      expect(all.filter((text) => text.includes(secret))).toEqual([]);
  }, 30_000);
});
