import { Test, TestingModule } from '@nestjs/testing';
import { DaceTestingModule } from 'nestjs-dace/testing';
import { AppController } from './app.controller';
import { AppService } from './app.service';
import { Ledger } from './ledger';

describe('AppController', () => {
  let app: TestingModule;
  let appController: AppController;
  const entries = jest.fn(() => Promise.resolve(['paid']));

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [DaceTestingModule.unprotected(['payments', 'ledger'])],
      controllers: [AppController],
      providers: [AppService, Ledger],
    })
      .overrideProvider(Ledger)
      .useValue({ entries })
      .compile();

    appController = app.get<AppController>(AppController);
  });

  afterEach(() => app.close());

  describe('root', () => {
    it('should return "Hello World!"', () => {
      expect(appController.getHello()).toBe('Hello World!');
    });
  });

  describe('entries', () => {
    it('should come from the ledger, asked once', async () => {
      await expect(appController.entries('7')).resolves.toEqual(['paid']);
      expect(entries).toHaveBeenCalledTimes(1);
      expect(entries).toHaveBeenCalledWith('7');
    });
  });
});
