import { Test, TestingModule } from '@nestjs/testing';
import {
  Call,
  DaceRegistry,
  DaceTimeoutError,
  getDependencyToken,
  isDaceError,
  type Dependency,
} from 'nestjs-dace';
import {
  DaceTestingModule,
  ManualClock,
  unprotected,
} from 'nestjs-dace/testing';
import { AppService } from './app.service';
import { Ledger } from './ledger';

const answer = { data: { account: '7', amount: 3 } };

describe('AppService', () => {
  describe('without protection', () => {
    it('should do what the method says', async () => {
      const service = unprotected(new AppService(new Ledger()));
      const call = { http: { get: () => Promise.resolve(answer) } };

      const balance = await service.balance('7', call as unknown as Call);

      expect(balance).toEqual({ account: '7', amount: 3 });
    });
  });

  describe('with its protection, on a clock of the test', () => {
    let app: TestingModule;
    const entries = jest.fn<Promise<string[]>, [string]>();

    beforeEach(async () => {
      entries.mockReset();
      app = await Test.createTestingModule({
        imports: [
          DaceTestingModule.forRoot({
            payments: { hosts: ['http://127.0.0.1:8080'] },
            ledger: { timeoutMs: 300, retry: false },
          }),
        ],
        providers: [AppService, { provide: Ledger, useValue: { entries } }],
      }).compile();
      await app.init();
    });

    afterEach(() => app.close());

    it('should end with a timeout once the ledger hangs', async () => {
      entries.mockReturnValue(new Promise(() => {}));

      const ended = app
        .get(AppService)
        .entries('7')
        .catch((error: unknown) => error);
      await app.get(ManualClock).advance(300);

      expect(await ended).toBeInstanceOf(DaceTimeoutError);
      expect(isDaceError(await ended, 'DACE_TIMEOUT')).toBe(true);
      expect(entries).toHaveBeenCalledTimes(1);
    });

    it('should not ask while the circuit is open, and ask again later', async () => {
      const ledger = app.get<Dependency>(getDependencyToken('ledger'));
      entries.mockRejectedValue(new Error('no ledger'));
      const fail = () => app.get(AppService).entries('7');
      for (let n = 0; n < 100 && ledger.snapshot().state === 'closed'; n++)
        await expect(fail()).rejects.toThrow('no ledger');
      const asked = entries.mock.calls.length;

      await expect(fail()).rejects.toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
      expect(entries).toHaveBeenCalledTimes(asked);

      entries.mockResolvedValue(['paid']);
      await app.get(ManualClock).advance(10_000);
      await expect(fail()).resolves.toEqual(['paid']);
      expect(app.get(DaceRegistry).get('ledger')).toBe(ledger);
      expect(ledger.snapshot().state).toBe('closed');
    });

    it('should answer with the fallback once payments is cut off', async () => {
      app.get(DaceRegistry).get('payments').control('forced-open');

      const balance = await app.get(AppService).balance('7');

      expect(balance).toEqual({ account: '7', amount: null });
    });
  });
});
