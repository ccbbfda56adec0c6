import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  DaceModule,
  type DaceModuleAsyncOptions,
  type DependencyMap,
} from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';

describe('An app whose configuration is wrong does not start', () => {
  const reason = (
    changes: Omit<DaceModuleAsyncOptions, 'dependencies'>,
  ): Promise<Error> =>
    errorOf(
      Test.createTestingModule({
        imports: [
          DaceModule.forRootAsync({
            dependencies: ['payments'],
            useOptions: () => ({ logger: false }),
            ...changes,
          }),
        ],
      }).compile(),
    );

  it.each<[string, unknown, RegExp]>([
    [
      'a text for a number',
      { payments: { timeoutMs: '7' } },
      /"payments".*timeoutMs is "7": .*Number\(…\)/s,
    ],
    [
      'no number',
      { payments: { timeoutMs: NaN } },
      /"payments".*timeoutMs is NaN/s,
    ],
    [
      'an id too many',
      { payments: {}, search: {} },
      /told of the dependencies payments, but .* for payments, search/,
    ],
    ['an id too few', {}, /dependencies payments, but .* options for none/],
    [
      'nothing',
      undefined,
      /^useFactory of DaceModule: its answer for payments is undefined: expected options by id/,
    ],
  ])('where its factory answers %s', async (_, made, message) => {
    const error = await reason({ useFactory: () => made as DependencyMap });

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toMatch(message);
  });

  it.each([
    ['throws', () => getOrThrow()],
    ['rejects', async () => getOrThrow()],
  ])('where its factory %s, with the very error', async (_, useFactory) => {
    expect(await reason({ useFactory })).toBe(failure);
    expect(
      await reason({
        useFactory: () => ({ payments: {} }),
        useOptions: useFactory,
      }),
    ).toBe(failure);
  });

  it('where what its factory needs is not there, with its name', async () => {
    const error = await reason({
      inject: [ConfigService],
      useFactory: () => ({ payments: {} }),
    });

    expect(error.message).toMatch(/ConfigService.*DaceModule/s);
  });

  const failure = new Error('PAYMENTS_URL is missing');
  function getOrThrow(): never {
    throw failure;
  }
});
