/**
 * The app: a reading room that depends on a library with two hosts. No client of HTTP is its own:
 * it asks by Node's `fetch`, by undici, and by a client that somebody else has written.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { consecutiveFailures, DaceModule } from 'nestjs-dace';
import { BooksService } from './books.service.js';
import { CoversService } from './covers.service.js';
import { Script } from './demo/script.js';
import { LoansService } from './loans.service.js';
import { ReviewsService } from './reviews.service.js';

@Module({
  providers: [
    BooksService,
    CoversService,
    LoansService,
    ReviewsService,
    Script,
  ],
})
export class AppModule {
  /** An app of yours has fixed addresses, and all this stands in `imports` above. */
  static with(hosts: readonly string[]): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DaceModule.forRoot({
          library: {
            hosts: [...hosts],
            loadBalancer: 'round-robin',
            timeoutMs: 2_000,
            attemptTimeoutMs: 250,
            retry: { budget: { minRetries: 20 } },
            circuit: { trip: consecutiveFailures(5), resetTimeoutMs: 400 },
            http: { headers: { 'x-reader': 'reading-room' } },
          },
        }),
      ],
    };
  }
}
