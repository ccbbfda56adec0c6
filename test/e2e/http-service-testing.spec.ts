import { Test, type TestingModule } from '@nestjs/testing';
import { firstValueFrom, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceModule,
  getDependencyToken,
  getHttpServiceToken,
} from 'nestjs-dace';
import {
  DaceScript,
  DaceTestingModule,
  ManualClock,
} from 'nestjs-dace/testing';
import { errorOf, watch } from '../support/core-toolkit.js';
import { library, Payments, upstream } from './http-service-app.js';

const running: TestingModule[] = [];
afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
});

async function overriding(token: string, stub: object): Promise<Payments> {
  const app = await Test.createTestingModule({
    imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
    providers: [Payments],
  })
    .overrideProvider(token)
    .useValue(stub)
    .compile();
  running.push(app);
  return app.get(Payments);
}

describe('In tests, the HttpService of a dependency', () => {
  it('may be overridden', async () => {
    const stub = { get: () => of({ data: 'stubbed' }) };

    const { http } = await overriding(getHttpServiceToken('payments'), stub);

    expect(http).toBe(stub);
    expect((await firstValueFrom(http.get('/a'))).data).toBe('stubbed');
  });

  it('of an overridden dependency is that one’s, if it is one', async () => {
    const dependency = createDependency('payments', {
      hosts: [upstream.origin],
    });

    const { http } = await overriding(
      getDependencyToken('payments'),
      dependency,
    );

    expect((await firstValueFrom(http.get('/a'))).status).toBe(200);
    expect(dependency.snapshot().totals).toMatchObject({ succeeded: 1 });
    await dependency.close();
  });

  it('of a stand-in for the dependency says what else to override', async () => {
    const { http } = await overriding(getDependencyToken('payments'), {
      execute: (work: () => unknown) => work(),
    });

    const error = await errorOf(firstValueFrom(http.get('/a')));

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toContain("getHttpServiceToken('payments')");
  });

  it('does what a script says', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: { timeoutMs: 100 } })],
      providers: [Payments],
    }).compile();
    running.push(await module.init());
    const { http } = module.get(Payments);
    const seen: unknown[] = [];
    http.axiosRef.interceptors.response.use((response) => {
      seen.push(response.data);
      return response;
    });

    module
      .get(DaceScript)
      .fail('payments', new library.AxiosError('reset', 'ECONNRESET'))
      .answer('payments', { status: 200, data: '{"amount":5}', headers: {} })
      .hang('payments');
    const failed = await errorOf(firstValueFrom(http.post('/a')));
    const answered = await firstValueFrom(http.get('/a'));
    const hung = watch(firstValueFrom(http.get('/a')));
    await module.get(ManualClock).advance(100);

    expect(failed).toMatchObject({ message: 'reset', code: 'ECONNRESET' });
    expect(answered.data).toEqual({ amount: 5 });
    expect(seen).toEqual([{ amount: 5 }]);
    expect(hung).toMatchObject({ error: { code: 'DACE_TIMEOUT' } });
  });
});
