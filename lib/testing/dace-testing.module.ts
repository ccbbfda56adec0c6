/**
 * The module for tests: the same registry, tokens and decorated methods, with time in the test's
 * hand, or with no protection at all.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import type {
  DaceModuleOptions,
  DependencyMap,
} from '../nest/dace-module.interface.js';
import { DaceModule } from '../nest/dace.module.js';
import type { DependencyId } from '../nest/dependency-ids.js';
import { DaceScript } from './dace-script.js';
import { ManualClock } from './manual-clock.js';

/** @publicApi */
export interface DaceTestingOptions extends Omit<DaceModuleOptions, 'clock'> {
  /** Injectable as `ManualClock`. @default a new one */
  readonly clock?: ManualClock | undefined;
}

/**
 * Stands in for `DaceModule.forRoot` in a test.
 *
 * @example
 * const app = await Test.createTestingModule({
 *   imports: [DaceTestingModule.forRoot({ payments: {} })],
 *   providers: [Invoices],
 * }).compile();
 * await app.get(ManualClock).advance(10_000);
 * @publicApi
 */
@Module({})
export class DaceTestingModule {
  /** The whole protection on a clock that the test moves; silent and without chance. */
  static forRoot(
    dependencies: DependencyMap,
    options: DaceTestingOptions = {},
  ): DynamicModule {
    const clock = options.clock ?? new ManualClock();
    return {
      module: DaceTestingModule,
      global: true,
      imports: [
        DaceModule.forRoot(dependencies, {
          logger: false,
          random: () => 0.5,
          ...options,
          clock,
        }),
      ],
      providers: [{ provide: ManualClock, useValue: clock }, DaceScript],
      exports: [ManualClock, DaceScript],
    };
  }

  /** Every call runs its work once, with no stage: for tests of what the methods do. */
  static unprotected(ids: readonly DependencyId[]): DynamicModule {
    const dependencies = Object.fromEntries(
      ids.map((id) => [id, { enabled: false }]),
    );
    return DaceTestingModule.forRoot(dependencies);
  }
}
