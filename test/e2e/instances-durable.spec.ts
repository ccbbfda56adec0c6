import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

/** One sub-tree of durable providers for each tenant. */
class ByTenant {
  private readonly tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, request: { headers: Record<string, string> }) {
    const tenant = request.headers['x-tenant'] ?? 'nobody';
    const shared = this.tenants.get(tenant) ?? ContextIdFactory.create();
    this.tenants.set(tenant, shared);
    return {
      resolve: ({ isTreeDurable }: HostComponentInfo) =>
        isTreeDurable ? shared : contextId,
      payload: { tenant },
    };
  }
}

beforeAll(() => ContextIdFactory.apply(new ByTenant()));
afterAll(() =>
  ContextIdFactory.apply({ attach: (contextId) => () => contextId }),
);

let made = 0;

@Injectable({ scope: Scope.REQUEST, durable: true })
class Durable {
  readonly serial = ++made;
  constructor(
    @Inject(REQUEST) private readonly payload: { tenant: string },
    private readonly ledger: Ledger,
  ) {}
  @FaultTolerant('payments', { fallback: 'spare' })
  async pay(): Promise<string> {
    return this.ledger.enter(`${this.payload.tenant} #${this.serial}`);
  }
  @FaultTolerant('payments', { fallback: 'spare' })
  async fail(): Promise<string> {
    this.ledger.enter('fail');
    throw new Error('down');
  }
  spare(): string {
    return `spare of ${this.payload.tenant}`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Scoped {
  readonly serial = ++made;
  constructor(
    private readonly durable: Durable,
    private readonly ledger: Ledger,
  ) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter(`${this.durable.serial} #${this.serial}`);
  }
}

@Controller()
class Shop {
  constructor(
    private readonly durable: Durable,
    private readonly scoped: Scoped,
  ) {}
  @Get('durable')
  pay() {
    return this.durable.pay();
  }
  @Get('scoped')
  scopedToo() {
    return this.scoped.pay();
  }
  @Get('fail')
  fail() {
    return this.durable.fail();
  }
}

@Controller({ path: 'tenant', durable: true, scope: Scope.REQUEST })
class TenantShop {
  readonly serial = ++made;
  constructor(private readonly ledger: Ledger) {}
  @Get()
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter(`shop #${this.serial}`);
  }
}

const app = {
  controllers: [Shop, TenantShop],
  providers: [Durable, Scoped],
};
const of = (tenant: string) => ({ headers: { 'x-tenant': tenant } });

describe.each(platforms)('A durable provider on $platform', (platform) => {
  it('is one for each tenant and app, and its method runs once a request', async () => {
    const [one, other] = await twins(app, platform);
    const asked = async (at: typeof one, path: string, tenant: string) =>
      (await at.get(path, of(tenant))).text();

    const a1 = await asked(one, '/durable', 'a');
    const a2 = await asked(one, '/durable', 'a');
    const b = await asked(one, '/durable', 'b');

    expect(a1).toMatch(/^a #/);
    expect(a2).toBe(a1);
    expect(b).toMatch(/^b #/);
    expect(tally(one.app)).toEqual(times(3));
    expect(tally(other.app)).toEqual(times(0));

    // The strategy is the process's: a tenant's context is the same object in both apps.
    const elsewhere = await asked(other, '/durable', 'a');
    expect(elsewhere).toMatch(/^a #/);
    expect(elsewhere).not.toBe(a1);
    expect(tally(one.app)).toEqual(times(3));
    expect(tally(other.app)).toEqual(times(1));
  });

  it('below a request-scoped one stays while that is made anew', async () => {
    const [one, other] = await twins(app, platform);

    const first = await (await other.get('/scoped', of('a'))).text();
    const second = await (await other.get('/scoped', of('a'))).text();

    expect(second.split(' #')[0]).toBe(first.split(' #')[0]);
    expect(second).not.toBe(first);
    expect(tally(other.app)).toEqual(times(2));
    expect(tally(one.app)).toEqual(times(0));
  });

  it('falls back to its own method, with what the tenant brought', async () => {
    const [one, other] = await twins(app, platform);

    const text = await (await one.get('/fail', of('c'))).text();

    expect(text).toBe('spare of c');
    expect(tally(one.app)).toEqual({ ...times(1), succeeded: 0 });
    expect(tally(other.app)).toEqual(times(0));
  });

  it('that is a controller protects its routes', async () => {
    const [one, other] = await twins(app, platform);

    const first = await (await one.get('/tenant', of('a'))).text();
    const again = await (await one.get('/tenant', of('a'))).text();
    const elsewhere = await (await one.get('/tenant', of('b'))).text();

    expect(again).toBe(first);
    expect(elsewhere).not.toBe(first);
    expect(tally(one.app)).toEqual(times(3));
    expect(tally(other.app)).toEqual(times(0));
  });
});
