/** What the specs of a Nest app do with `nestjs-dace/testing`. */
import { Test, type TestingModule } from '@nestjs/testing';
import { Injectable } from '@nestjs/common';
import {
  DaceTestingModule,
  ManualClock,
  unprotected,
  type DaceTestingOptions,
} from 'nestjs-dace/testing';

@Injectable()
class Subject {
  async answer(): Promise<number> {
    return 1;
  }
}

const options: DaceTestingOptions = { clock: undefined, logger: false };

export async function compiled(): Promise<TestingModule> {
  const app = await Test.createTestingModule({
    imports: [DaceTestingModule.forRoot({ payments: {} }, options)],
    providers: [Subject],
  }).compile();
  const clock: ManualClock = app.get(ManualClock);
  await clock.advance(10);
  return app;
}

export const bare: Subject = unprotected(new Subject());
export const module = DaceTestingModule.unprotected(['payments', 'search']);
