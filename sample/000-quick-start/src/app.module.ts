/**
 * The app: three services it depends on, each named once with what its calls may cost.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { consecutiveFailures, DaceModule } from 'nestjs-dace';
import { DaceHealthModule } from 'nestjs-dace/health';
import { BalancesController } from './balances.controller.js';
import { BalancesService } from './balances.service.js';
import { CatalogController } from './catalog.controller.js';
import { DemoModule } from './demo/demo.module.js';
import type { Screen } from './demo/screen.js';
import type { Upstreams } from './demo/upstreams.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';

@Module({
  imports: [DaceHealthModule.forRoot({ path: 'health' })],
  controllers: [CatalogController, BalancesController, ReportsController],
  providers: [BalancesService, ReportsService],
})
export class AppModule {
  /** An app of yours has fixed URLs, and `DaceModule.forRoot` stands in `imports` above. */
  static with(upstreams: Upstreams, screen: Screen): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DaceModule.forRoot(
          {
            // Two hosts: one may die. In turn, so that the dead one is found out at once.
            catalog: {
              hosts: upstreams.catalogUrls,
              loadBalancer: 'round-robin',
              timeoutMs: 1_000,
              circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 1_000 },
            },
            // Without it the app is of no use: its outage shows in /health.
            payments: {
              hosts: [upstreams.payments.url],
              critical: true,
              timeoutMs: 1_000,
              circuit: { trip: consecutiveFailures(5), resetTimeoutMs: 1_000 },
            },
            // Slow at times: better an old report than a long wait.
            reports: {
              hosts: [upstreams.reports.url],
              timeoutMs: 300,
              circuit: { resetTimeoutMs: 1_000 },
            },
          },
          // Refusals and timeouts answer 503 and 504, with Retry-After.
          { filter: true },
        ),
        DemoModule.with(upstreams, screen),
      ],
    };
  }
}
