import type {
  Abstract,
  FactoryProvider,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import type { HostSource } from '../balancing/host-source.js';
import type { LoadBalancer } from '../balancing/load-balancer.js';
import type { Clock } from '../core/clock.js';
import type { DaceLogger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { DependencyOptions } from '../dependency/options.js';
import type { DependencyId } from './dependency-ids.js';

/**
 * What holds for the whole app.
 *
 * @publicApi
 */
export interface DaceModuleOptions {
  /** Whether every module may inject dependencies without importing. @default true */
  readonly isGlobal?: boolean | undefined;
  /** Options below those of each dependency. */
  readonly defaults?: InjectedDependencyOptions | undefined;
  /** `false` = silent. @default Nest's Logger, context `Dace:<id>` */
  readonly logger?: DaceLogger | false | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Registers DaceExceptionFilter for the app. @default false */
  readonly filter?: boolean | undefined;
  /** Whether a client that goes away ends its call. @default true for GET, HEAD and OPTIONS */
  readonly cancelOnDisconnect?: boolean | undefined;
}

/** Options of a dependency, whose hosts and balancer may be providers of the app, by class or token. @publicApi */
export interface InjectedDependencyOptions extends Omit<
  DependencyOptions,
  'hosts' | 'loadBalancer'
> {
  /** A list, a source, or the class or token of a provider that is one. */
  readonly hosts?:
    | DependencyOptions['hosts']
    | Type<HostSource>
    | Abstract<HostSource>
    | string
    | symbol;
  /** A name, dace's function, a balancer, or the class or token of a provider that is one. */
  readonly loadBalancer?:
    | DependencyOptions['loadBalancer']
    | Type<LoadBalancer>
    | Abstract<LoadBalancer>
    | (string & {})
    | symbol;
}

/** Options of dependencies by id: any, or some of those that the app declares. @publicApi */
export type DependencyMap = string extends DependencyId
  ? Readonly<Record<string, InjectedDependencyOptions>>
  : { readonly [Id in DependencyId]?: InjectedDependencyOptions };

/** @publicApi */
export interface DaceFeatureAsyncOptions extends Pick<
  ModuleMetadata,
  'imports'
> {
  /** Ids, which must be known before the factory runs; it must answer exactly these. */
  readonly dependencies: readonly DependencyId[];
  readonly inject?: FactoryProvider['inject'] | undefined;
  readonly useFactory: (
    ...args: never[]
  ) => DependencyMap | Promise<DependencyMap>;
}

/** @publicApi */
export interface DaceModuleAsyncOptions extends DaceFeatureAsyncOptions {
  readonly isGlobal?: boolean | undefined;
  /** Registers DaceExceptionFilter for the app; must be known before the factory runs. */
  readonly filter?: boolean | undefined;
  /** Module options; is given what `inject` names. */
  readonly useOptions?:
    | ((
        ...args: never[]
      ) =>
        | Omit<DaceModuleOptions, 'isGlobal' | 'filter'>
        | Promise<Omit<DaceModuleOptions, 'isGlobal' | 'filter'>>)
    | undefined;
}
