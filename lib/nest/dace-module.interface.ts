import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import type { DaceLogger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { DependencyOptions } from '../dependency/options.js';

/**
 * What holds for the whole app.
 *
 * @publicApi
 */
export interface DaceModuleOptions {
  /** Whether every module may inject dependencies without importing. @default true */
  readonly isGlobal?: boolean;
  /** Options below those of each dependency. */
  readonly defaults?: DependencyOptions;
  /** `false` = silent. @default Nest's Logger, context `Dace:<id>` */
  readonly logger?: DaceLogger | false;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Registers DaceExceptionFilter for the app. @default false */
  readonly filter?: boolean;
  /** Whether a client that goes away ends its call. @default true for GET, HEAD and OPTIONS */
  readonly cancelOnDisconnect?: boolean;
}

/** Options of dependencies by id. @publicApi */
export type DependencyMap = Readonly<Record<string, DependencyOptions>>;

/** @publicApi */
export interface DaceFeatureAsyncOptions extends Pick<
  ModuleMetadata,
  'imports'
> {
  /** Ids, which must be known before the factory runs; it must answer exactly these. */
  readonly dependencies: readonly string[];
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (
    ...args: never[]
  ) => DependencyMap | Promise<DependencyMap>;
}

/** @publicApi */
export interface DaceModuleAsyncOptions extends DaceFeatureAsyncOptions {
  readonly isGlobal?: boolean;
  /** Registers DaceExceptionFilter for the app; must be known before the factory runs. */
  readonly filter?: boolean;
  /** Module options; is given what `inject` names. */
  readonly useOptions?: (
    ...args: never[]
  ) =>
    | Omit<DaceModuleOptions, 'isGlobal' | 'filter'>
    | Promise<Omit<DaceModuleOptions, 'isGlobal' | 'filter'>>;
}
