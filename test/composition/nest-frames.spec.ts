import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { until } from '../support/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('A protected method that goes on for ever by a timer of its own', () => {
  it('keeps none of its attempts that are over', async () => {
    const attempts: WeakRef<Call>[] = [];
    let isOn = true;
    @Injectable()
    class Poller {
      @FaultTolerant('payments')
      async poll(@DaceCall() call: Call = Call.injected): Promise<void> {
        attempts.push(new WeakRef(call));
        if (isOn) setImmediate(() => void this.poll());
      }
    }
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
      providers: [Poller],
    }).compile();
    await module.init();
    await module.get(Poller).poll();
    await until(() => attempts.length >= 200);
    await nextTurn();

    collectGarbage();

    const kept = attempts.filter((attempt) => attempt.deref() !== undefined);
    expect(kept.length).toBeLessThan(20);
    isOn = false;
    await nextTurn();
    await module.close();
  });
});
