import { Injectable } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { serveGraphQl } from './context-graphql.js';
import { platforms } from './nest-app.js';

@Injectable()
class Accounts {
  @FaultTolerant('accounts')
  async left(@DaceCall() call: Call = Call.injected) {
    return call.remainingMs();
  }
}

@Resolver()
class Resolvers {
  constructor(private readonly accounts: Accounts) {}

  @Query(() => Number)
  service() {
    return this.accounts.left();
  }

  @Query(() => Number)
  @FaultTolerant('accounts')
  async resolver(@DaceCall() call: Call = Call.injected) {
    return call.remainingMs();
  }
}

describe.each(platforms)(
  'A GraphQL request with a deadline, on $platform',
  (platform) => {
    it('bounds resolvers and what they call', async () => {
      const accounts = {
        timeoutMs: 4_000,
        propagateDeadline: { trustIncoming: true },
      };
      const { ask } = await serveGraphQl(
        {
          imports: [
            DaceModule.forRoot(
              { accounts },
              { logger: false, clock: new ManualClock() },
            ),
          ],
          providers: [Resolvers, Accounts],
        },
        platform,
      );
      const asked = async (header: string) => {
        const { data } = await ask('{ service resolver }', {
          headers: {
            'content-type': 'application/json',
            'x-request-timeout-ms': header,
          },
        });
        return data;
      };
      expect(await asked('700')).toEqual({ service: 700, resolver: 700 });
      expect(await asked('soon')).toEqual({ service: 4_000, resolver: 4_000 });
      expect(await asked('0')).toBeNull();
    });
  },
);
