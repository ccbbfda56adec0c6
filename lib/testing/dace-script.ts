/**
 * Attempts that do what a test says in place of their work: no network, no luck.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { Call } from '../dependency/call.js';
import type { AttemptScript } from '../nest/attempt-script.js';
import { DaceLifecycle } from '../nest/dace.lifecycle.js';
import type { DependencyId } from '../nest/dependency-ids.js';

type Line = (call: Call) => Promise<unknown>;

/**
 * What the next attempts of a dependency meet, in order; once that is over, attempts do their work.
 *
 * All of the protection is there: a scripted failure is judged, counted, repeated and fallen back from
 * as if the work had failed. `DaceTestingModule` provides it; to the test of an app that imports
 * `DaceModule` itself it is given as a provider. `acquire` does no work, so nothing stands in for it.
 *
 * Errors: DaceConfigurationError for an id nobody registered.
 * @example
 * module.get(DaceScript).fail('payments', new Error('down')).answer('payments', { amount: 5 });
 * @publicApi
 */
@Injectable()
export class DaceScript implements AttemptScript {
  private readonly lines = new Map<string, Line[]>();

  constructor(
    @Inject(DaceLifecycle) private readonly lifecycle: DaceLifecycle,
  ) {
    lifecycle.script = this;
  }

  /** The next `times` attempts fail with `error`. */
  fail(id: DependencyId, error: unknown, times = 1): this {
    return this.add(id, () => Promise.reject(error), times);
  }

  /** The next `times` attempts answer `value`, as the work would. */
  answer(id: DependencyId, value: unknown, times = 1): this {
    return this.add(id, () => Promise.resolve(value), times);
  }

  /** The next `times` attempts answer nothing until they are cut, by time or by their caller. */
  hang(id: DependencyId, times = 1): this {
    return this.add(id, untilCut, times);
  }

  /** How much of the script of `id` is still to come. */
  remaining(id: DependencyId): number {
    return this.lines.get(id)?.length ?? 0;
  }

  /** @internal */
  workOf<T>(call: Call, work: (call: Call) => T): (call: Call) => T {
    const line = this.lines.get(call.dependencyId)?.shift();
    return (line as ((call: Call) => T) | undefined) ?? work;
  }

  private add(id: DependencyId, line: Line, times: number): this {
    if (!this.lifecycle.registry.has(id))
      throw this.lifecycle.registry.unknown(id, [DaceScript.name]);
    const lines = this.lines.get(id) ?? [];
    this.lines.set(id, [...lines, ...Array<Line>(times).fill(line)]);
    return this;
  }
}

function untilCut({ signal }: Call): Promise<never> {
  return new Promise((_, reject) => {
    const cut = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', cut, { once: true });
  });
}
