import {
  applyDecorators,
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  SetMetadata,
  UseGuards,
  Version,
  type CanActivate,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { OnEvent } from '@nestjs/event-emitter';
import { MessagePattern } from '@nestjs/microservices';
import { Cron } from '@nestjs/schedule';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

@Injectable()
class Open implements CanActivate {
  canActivate() {
    return true;
  }
}
const Role = Reflector.createDecorator<string>();
const Task = DiscoveryService.createDecorator<string>();
const others: MethodDecorator[] = [
  Get('find/:id'),
  HttpCode(203),
  Header('x-shop', 'open'),
  Version('1'),
  UseGuards(Open),
  SetMetadata('own', { key: 'value' }),
  Role('buyer'),
  Task('finding'),
  Cron('0 0 1 1 *'),
  OnEvent('asked'),
  MessagePattern('find'),
  ApiOperation({ summary: 'finds' }),
  ApiResponse({ status: 203, description: 'found' }),
];
const protect = FaultTolerant('payments') as MethodDecorator;

/** The same class, its method decorated from below upwards. */
function finder(...decorators: MethodDecorator[]) {
  @Controller()
  class Finder {
    readonly stock = 3;
    constructor(protected readonly ledger: Ledger) {}
    @applyDecorators(...decorators)
    async find(@Param('id') id: string, count = 1): Promise<string> {
      return this.ledger.enter(id.repeat(count));
    }
    other() {}
  }
  return Finder;
}
const bare = finder(...others);
const orders: [string, ReturnType<typeof finder>][] = [
  ['below all others', finder(protect, ...others)],
  ['above all others', finder(...others, protect)],
  ['amid them', finder(...others.slice(0, 6), protect, ...others.slice(6))],
];

function metadataOf(target: object, key?: string): Map<unknown, unknown> {
  const keys = (
    key === undefined
      ? Reflect.getOwnMetadataKeys(target)
      : Reflect.getOwnMetadataKeys(target, key)
  ) as unknown[];
  return new Map(
    keys.map((name) => [
      name,
      key === undefined
        ? Reflect.getOwnMetadata(name, target)
        : Reflect.getOwnMetadata(name, target, key),
    ]),
  );
}
const methodOf = (type: ReturnType<typeof finder>) =>
  Object.getOwnPropertyDescriptor(type.prototype, 'find')!;

describe.each(orders)('A method with @FaultTolerant %s', (_, Finder) => {
  it('keeps what every other decorator has left on it', () => {
    const kept = metadataOf(methodOf(Finder).value as object);
    const expected = metadataOf(methodOf(bare).value as object);

    const added = [...kept.keys()].filter((key) => !expected.has(key));
    for (const key of added) kept.delete(key);

    expect(new Set(added)).toEqual(
      new Set(['__interceptors__', 'dace:fault_tolerant']),
    );
    expect(expected.size).toBeGreaterThan(others.length);
    expect(kept).toEqual(expected);
  });

  it('keeps its types, its parameters, and what the class says of it', () => {
    for (const [at, key] of [
      [(type: typeof bare) => type.prototype, 'find'],
      [(type: typeof bare) => type, 'find'],
    ] as const)
      expect(metadataOf(at(Finder), key)).toEqual(metadataOf(at(bare), key));
    const ofClass = metadataOf(Finder);
    ofClass.delete('self:properties_metadata');
    ofClass.delete('optional:properties_metadata');
    expect([...ofClass.keys()]).toEqual([...metadataOf(bare).keys()]);
  });

  it('keeps its name, its length and its place', () => {
    const [{ value: method, ...place }, { value: plain, ...usual }] = [
      methodOf(Finder),
      methodOf(bare),
    ];

    expect(method.name).toBe('find');
    expect(method.length).toBe(plain.length);
    expect(place).toEqual(usual);
    expect(Object.getOwnPropertyNames(Finder.prototype)).toEqual(
      Object.getOwnPropertyNames(bare.prototype),
    );
    expect(new MetadataScanner().getAllMethodNames(Finder.prototype)).toEqual(
      new MetadataScanner().getAllMethodNames(bare.prototype),
    );
  });
});

describe.each(platforms)('On $platform, a class', (platform) => {
  it.each(orders)(
    'with @FaultTolerant %s is served as its other decorators say',
    async (_, Finder) => {
      const [one, other] = await twins({ controllers: [Finder] }, platform);

      const answer = await one.get('/find/7');

      expect(answer.status).toBe(203);
      expect(answer.headers.get('x-shop')).toBe('open');
      expect(await answer.text()).toBe('7');
      expect(tally(one.app)).toEqual(times(1));
      expect(tally(other.app)).toEqual(times(0));
    },
  );
});

describe('A class with a protected method', () => {
  it('shows nothing new on its instances, before and after calls', async () => {
    const [{ app }] = await twins({ providers: [bare, orders[0]![1]] });
    const [plain, bound] = [app.get(bare), app.get(orders[0]![1])];
    await bound.find('a');
    const views: ((instance: object) => unknown)[] = [
      Object.keys,
      Object.getOwnPropertyNames,
      JSON.stringify,
      (instance) => inspect(instance, { depth: 0 }),
      (instance) => ({ ...instance }),
      (instance) => Object.assign({}, instance),
      (instance) => Object.entries(instance),
      (instance) => {
        const names: string[] = [];
        for (const name in instance) names.push(name);
        return names;
      },
    ];

    for (const view of views) expect(view(bound)).toEqual(view(plain));
    const visible = Reflect.ownKeys(bound).filter((key) =>
      Object.prototype.propertyIsEnumerable.call(bound, key),
    );
    expect(visible).toEqual(Reflect.ownKeys(plain));
  });
});
