import { describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, firstFailure } from 'nestjs-dace';
import { DaceHealthModule } from 'nestjs-dace/health';
import { ManualClock } from 'nestjs-dace/testing';
import { serve } from './nest-app.js';

describe('The health route', () => {
  it('answers 200, 200 degraded, 503 and 200 as an outage comes and goes', async () => {
    const clock = new ManualClock();
    const circuit = { trip: firstFailure(), resetTimeoutMs: 1_000 };
    const { app, get } = await serve({
      imports: [
        DaceModule.forRoot(
          { payments: { circuit, critical: true }, search: { circuit } },
          { logger: false, clock },
        ),
        DaceHealthModule.forRoot({ path: 'status/circuits' }),
      ],
    });
    const registry = app.get(DaceRegistry);
    const look = async () => {
      const answer = await get('/status/circuits');
      const body = (await answer.json()) as { status: string };
      return [answer.status, body.status];
    };
    const fail = (id: string) =>
      registry
        .get(id)
        .execute(() => {
          throw new Error('down');
        })
        .catch(() => {});

    expect(await look()).toEqual([200, 'ok']);
    await fail('search');
    expect(await look()).toEqual([200, 'degraded']);
    await fail('payments');
    expect(await look()).toEqual([503, 'error']);
    await clock.advance(1_000);
    expect(await look()).toEqual([200, 'degraded']);
    for (const id of registry.ids()) await registry.get(id).execute(() => 1);
    expect(await look()).toEqual([200, 'ok']);
  });
});
