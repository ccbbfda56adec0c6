import { Test } from '@nestjs/testing';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ModuleRef } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  firstFailure,
  getDependencyToken,
  type DependencyOptions,
} from 'nestjs-dace';
import { DaceHealthIndicator, DaceHealthModule } from 'nestjs-dace/health';
import { ManualClock } from 'nestjs-dace/testing';
import { degraded } from '../support/nests.js';

const circuit = { trip: firstFailure(), resetTimeoutMs: 1_000 };

async function start(
  options: Record<string, DependencyOptions>,
  isGlobal = true,
) {
  const clock = new ManualClock();
  const module = await Test.createTestingModule({
    imports: [
      DaceModule.forRoot(options, { logger: false, clock, isGlobal }),
      DaceHealthModule,
    ],
  }).compile();
  await module.init();
  const registry = module.get(DaceRegistry);
  const indicator = module.get(DaceHealthIndicator);
  const fail = (id: string): Promise<unknown> =>
    registry
      .get(id)
      .execute(() => {
        throw new Error('down');
      })
      .catch(() => {});
  return { clock, module, registry, indicator, fail };
}

describe('DaceHealthIndicator', () => {
  it('tells before, during and after an outage of a dependency', async () => {
    const { indicator, fail, clock, registry } = await start({
      search: { circuit },
    });
    const status = () => indicator.check().search;
    const before = status();
    await fail('search');
    await clock.advance(100);
    const during = status();
    await clock.advance(900);
    const probing = status();
    await registry.get('search').execute(() => 'back');
    const after = status();

    expect(before).toEqual({ status: 'up', state: 'closed', shared: 'local' });
    expect(during).toEqual({
      status: degraded.status,
      state: 'open',
      retryAfterMs: 900,
      shared: 'local',
    });
    expect(probing).toMatchObject({
      status: degraded.status,
      state: 'half-open',
    });
    expect(after).toEqual(before);
  });

  it('is down for a critical one while open, degraded while half-open', async () => {
    const { indicator, fail, clock, registry } = await start({
      payments: { circuit, critical: true },
    });
    await fail('payments');

    expect(indicator.check().payments!.status).toBe('down');
    await clock.advance(1_000);
    expect(indicator.check().payments!.status).toBe(degraded.status);
    registry.get('payments').control('forced-open');
    expect(indicator.check().payments!.status).toBe('down');
  });

  it('counts hosts, and names those that are out with details only', async () => {
    const { indicator, registry } = await start({
      payments: {
        circuit,
        hosts: ['http://a:80', 'http://b:80', 'http://c:80'],
      },
    });
    await registry
      .get('payments')
      .execute(
        () => {
          throw new Error('down');
        },
        { netloc: 'b:80' },
      )
      .catch(() => {});

    expect(indicator.check().payments).toMatchObject({
      status: 'up',
      hosts: { inService: 2, out: 1 },
    });
    expect(JSON.stringify(indicator.check())).not.toContain('b:80');
    expect(
      indicator.check(undefined, { details: true }).payments,
    ).toMatchObject({ hosts: { outNetlocs: ['b:80'] } });
  });

  it('tells of the ids it is asked for, of an unknown one too, and calls nobody', async () => {
    const { indicator, registry } = await start({ payments: {}, search: {} });

    expect(Object.keys(indicator.check(['search']))).toEqual(['search']);
    expect(indicator.check(['nope']).nope).toEqual({
      status: 'down',
      message: 'No dependency "nope" is registered',
    });
    expect(registry.get('search').snapshot().totals.started).toBe(0);
  });

  it('finds the registry of a module that is not global', async () => {
    const { indicator } = await start({ payments: {} }, false);

    expect(indicator.check().payments!.status).toBe('up');
  });

  it('shows nothing of an overridden executor that shows nothing', async () => {
    const module = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot({ payments: {} }, { logger: false }),
        DaceHealthModule,
      ],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue({ execute: () => {} })
      .compile();

    expect(module.get(DaceHealthIndicator).check()).toEqual({
      payments: { status: 'up', state: 'unknown' },
    });
  });

  it('says `up` with the state to a Terminus that knows no `degraded`', async () => {
    const { module, fail } = await start({ search: { circuit } });
    const elder = {
      check: (key: string) => ({
        up: (data: object) => ({ [key]: { status: 'up', ...data } }),
        down: (data: object) => ({ [key]: { status: 'down', ...data } }),
      }),
    } as unknown as HealthIndicatorService;
    await fail('search');

    const indicator = new DaceHealthIndicator(module.get(ModuleRef), elder);

    expect(indicator.check().search).toMatchObject({
      status: 'up',
      state: 'open',
    });
  });
});
