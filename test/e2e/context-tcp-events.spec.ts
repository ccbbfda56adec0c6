import { Controller, Scope } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { of, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { allOf, serveTcp, silent } from './context-apps.js';
import { until } from './nest-app.js';

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});
const ran = (name: string): string => {
  bodies.push(name);
  return name;
};

describe('A decorated event handler over TCP', () => {
  const failure = new Error('down');
  @Controller()
  class Events {
    @EventPattern('paid')
    @FaultTolerant('payments')
    async one(@Payload() id: string) {
      ran(`one ${id}`);
    }

    @EventPattern('paid')
    @FaultTolerant('payments')
    two(@Payload() id: string): Observable<string> {
      return of(ran(`two ${id}`), 'and more');
    }

    @MessagePattern('value')
    async value() {
      return 'well';
    }

    @EventPattern('failing')
    @FaultTolerant('payments', { retry: { on: 'any', attempts: 2 } })
    async failing(@Payload() _data: unknown) {
      ran('failing');
      throw failure;
    }
  }

  it('runs once for each event, beside the others of its pattern', async () => {
    const { client, snapshot } = await serveTcp({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Events],
    });

    await allOf(client.emit('paid', 'x'));
    await until(() => snapshot().totals.succeeded === 2);

    expect(bodies.toSorted()).toEqual(['one x', 'two x']);
    expect(snapshot().totals).toMatchObject({ started: 2, attempts: 2 });
  });

  it('that fails is tried again, and takes nobody down', async () => {
    const { client, ask, snapshot } = await serveTcp({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Events],
    });

    await allOf(client.emit('failing', {}));
    await until(() => snapshot().totals.failed === 1);

    expect(bodies).toEqual(['failing', 'failing']);
    expect(await ask('value')).toBe('well');
  });
});

describe('A request-scoped message handler over TCP', () => {
  let made = 0;
  @Controller({ path: '', scope: Scope.REQUEST })
  class Scoped {
    private readonly number = (made += 1);

    @MessagePattern('scoped')
    @FaultTolerant('payments', { fallback: 'spare' })
    async scoped(@Payload() fails: boolean): Promise<string> {
      ran('scoped');
      if (fails) throw new Error('down');
      return `instance ${this.number}`;
    }
    spare(_fails: boolean, _error: unknown) {
      return `spare of instance ${this.number}`;
    }

    @EventPattern('scoped-event')
    @FaultTolerant('payments')
    async event(@Payload() _data: unknown) {
      ran('event');
    }
  }

  it('runs once, on the instance of its message', async () => {
    made = 0;
    const { ask, client, snapshot } = await serveTcp({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Scoped],
    });

    expect(await ask('scoped', false)).toBe('instance 1');
    expect(await ask('scoped', true)).toBe('spare of instance 2');
    await allOf(client.emit('scoped-event', {}));
    await until(() => snapshot().totals.succeeded === 2);

    expect(bodies).toEqual(['scoped', 'scoped', 'event']);
    expect(snapshot().totals).toMatchObject({ started: 3, attempts: 3 });
  });
});
