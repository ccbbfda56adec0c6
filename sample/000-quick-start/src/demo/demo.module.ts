import { Module, type DynamicModule } from '@nestjs/common';
import { DemoController } from './demo.controller.js';
import { LiveLine } from './live-line.js';
import { Observations } from './observations.js';
import { Scenario } from './scenario.js';
import { Screen } from './screen.js';
import { Traffic } from './traffic.js';
import { Upstreams } from './upstreams.js';

/** Everything that is there to be looked at, and that an app of yours has no use for. */
@Module({
  controllers: [DemoController],
  providers: [Observations, Traffic, LiveLine, Scenario],
})
export class DemoModule {
  static with(upstreams: Upstreams, screen: Screen): DynamicModule {
    return {
      module: DemoModule,
      providers: [
        { provide: Upstreams, useValue: upstreams },
        { provide: Screen, useValue: screen },
      ],
    };
  }
}
