/** What a Nest app does with `nestjs-dace/health`. */
import { Controller, Get, Module } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
  type HealthCheckResult,
} from '@nestjs/terminus';
import {
  DaceHealthIndicator,
  DaceHealthModule,
  type DaceHealthCheckOptions,
} from 'nestjs-dace/health';

const options: DaceHealthCheckOptions = { details: undefined };

@Controller('ready')
export class ReadyController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly dace: DaceHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  read(): Promise<HealthCheckResult> {
    return this.health.check([() => this.dace.check(['payments'], options)]);
  }
}

@Module({
  imports: [
    TerminusModule,
    DaceHealthModule,
    DaceHealthModule.forRoot({ path: 'health', details: true }),
  ],
  controllers: [ReadyController],
})
export class HealthModule {}
