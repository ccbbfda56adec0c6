import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import {
  createDependency,
  failuresOnly,
  type DependencyOptions,
} from 'nestjs-dace/core';

/**
 * Jest runs each spec in a context of its own. To that context the errors of Node's own modules
 * (`fs`, `net`, `fetch`, an aborted signal) are no `Error`, and were named `object`, not retried by
 * `on: [Error]`, and taken for results by `failuresOnly`.
 */
const foreign = (code: string): Error => {
  const error = runInNewContext('new Error("not here")') as Error;
  return Object.assign(error, { code });
};

const dependencyOf = (options: DependencyOptions = {}) => {
  const logger = {
    log: vi.fn(),
    warn: vi.fn(),
    error: vi.fn(),
    debug: vi.fn(),
  };
  return {
    logger,
    dependency: createDependency(
      'files',
      { retry: false, ...options },
      { logger },
    ),
  };
};

describe('An error of another realm', () => {
  it('is none of this one', () => {
    expect(foreign('ENOENT') instanceof Error).toBe(false);
  });

  it('is named in the snapshot and in the log', async () => {
    const { dependency, logger } = dependencyOf();

    await dependency
      .execute(() => Promise.reject(foreign('ENOENT')))
      .catch(() => {});

    expect(dependency.snapshot().lastFailure?.name).toBe('ENOENT');
    expect(logger.warn.mock.calls.flat().join()).toContain(
      'Error ENOENT: not here',
    );
  });

  it('is an Error to what is told to repeat errors', async () => {
    const { dependency } = dependencyOf({
      retry: { attempts: 2, on: [Error] },
    });
    const work = vi.fn(() => Promise.reject(foreign('ENOENT')));

    await dependency.execute(work).catch(() => {});

    expect(work).toHaveBeenCalledTimes(2);
  });

  it('is an error to failuresOnly', async () => {
    const { dependency } = dependencyOf({ classify: failuresOnly(TypeError) });

    await dependency
      .execute(() => Promise.reject(foreign('ENOENT')))
      .catch(() => {});

    expect(dependency.snapshot().window).toMatchObject({
      calls: 0,
      failures: 0,
    });
  });

  it('keeps the original as its cause where a fallback throws it', async () => {
    const { dependency } = dependencyOf();
    const original = new Error('original');
    const own = foreign('EACCES');

    const ended = await dependency
      .execute(() => Promise.reject(original), {
        fallback: () => {
          throw own;
        },
      })
      .catch((error: unknown) => error);

    expect(ended).toBe(own);
    expect(own.cause).toBe(original);
  });
});
