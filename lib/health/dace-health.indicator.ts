/**
 * The circuits as a Terminus indicator: one key per dependency, read from memory.
 */
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { DaceConfigurationError } from '../core/errors.js';
import type { DependencySnapshot } from '../dependency/snapshot.js';
import { DaceRegistry } from '../nest/dace-registry.js';
import type { DependencyId } from '../nest/dependency-ids.js';

/** @publicApi */
export interface DaceHealthCheckOptions {
  /** Names the hosts that are out. @default false */
  readonly details?: boolean | undefined;
}

/** Terminus 11 knows `up` and `down` only. */
interface Session {
  up(data: Record<string, unknown>): HealthIndicatorResult;
  down(data: Record<string, unknown>): HealthIndicatorResult;
  degraded?(data: Record<string, unknown>): HealthIndicatorResult;
}

const OPEN = new Set(['open', 'forced-open']);
const TROUBLED = new Set(['open', 'forced-open', 'half-open']);

/**
 * Reports circuits; never calls a dependency and never throws.
 *
 * State:  closed = `up`; open or half-open = `degraded` (HTTP 200); a `critical` dependency that is
 *         open = `down` (HTTP 503), half-open only `degraded`, so that traffic comes back to probe it.
 *         One whose source lists no host is as one that is open, until it lists some.
 *         Terminus 11 has no degraded: `up`, with the state.
 * @publicApi
 */
@Injectable()
export class DaceHealthIndicator implements OnModuleInit {
  private found: DaceRegistry | undefined;

  constructor(
    private readonly modules: ModuleRef,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /** At start-up rather than at the first question: an app without dependencies has no health of them. */
  onModuleInit(): void {
    void this.registry;
  }

  /** All dependencies, or those of `ids`; a function of this shape is what Terminus' `check` takes. */
  check(
    ids?: readonly DependencyId[],
    options: DaceHealthCheckOptions = {},
  ): HealthIndicatorResult {
    const { registry } = this;
    const results = (ids ?? registry.ids()).map((id) =>
      this.one(registry, id, options.details === true),
    );
    return Object.assign({}, ...results) as HealthIndicatorResult;
  }

  /** Found wherever it is: DaceModule may not be global. */
  private get registry(): DaceRegistry {
    return (this.found ??= registryOf(this.modules));
  }

  private one(
    registry: DaceRegistry,
    id: DependencyId,
    hasDetails: boolean,
  ): HealthIndicatorResult {
    const session = this.indicators.check(id) as unknown as Session;
    if (!registry.has(id))
      return session.down({ message: `No dependency "${id}" is registered` });
    try {
      const dependency = registry.get(id);
      return report(
        session,
        dependency.snapshot(),
        dependency.isCritical,
        hasDetails,
      );
    } catch {
      return session.up({ state: 'unknown' });
    }
  }
}

function registryOf(modules: ModuleRef): DaceRegistry {
  try {
    return modules.get(DaceRegistry, { strict: false });
  } catch (cause) {
    throw new DaceConfigurationError({
      dependencyId: 'DaceHealthModule',
      message:
        'DaceHealthModule reports the dependencies of DaceModule.forRoot({ … }), which the app does not import. Import it.',
      cause,
    });
  }
}

function report(
  session: Session,
  snapshot: DependencySnapshot,
  isCritical: boolean,
  hasDetails: boolean,
): HealthIndicatorResult {
  const { state, retryAfterMs, hosts, shared, source } = snapshot;
  const listed = hosts.filter((host) => host.pinned !== true);
  const out = listed.filter((host) => !host.inService);
  const data = {
    state,
    ...(retryAfterMs !== undefined && {
      retryAfterMs: Math.ceil(retryAfterMs),
    }),
    ...(source !== undefined && { source: source.state }),
    ...((listed.length > 0 || source !== undefined) && {
      hosts: {
        inService: listed.length - out.length,
        out: out.length,
        ...(hasDetails && { outNetlocs: out.map((host) => host.netloc) }),
      },
    }),
    shared,
  };
  const isWithoutHosts =
    source !== undefined &&
    listed.length === 0 &&
    (source.state !== 'pending' || source.lastFailure !== undefined);
  const isOut = OPEN.has(state) || isWithoutHosts;
  if (isCritical && isOut) return session.down(data);
  if (!TROUBLED.has(state) && !isWithoutHosts) return session.up(data);
  return session.degraded?.(data) ?? session.up(data);
}
