/**
 * The deadline that a request brings along. It is read where the platform hands the request on, after
 * its body and before guards, so that whatever the request leads to is inside, decorated or not.
 */
import type { HttpAdapterHost } from '@nestjs/core';
import type { Clock } from '../core/clock.js';
import { runWithin, type Bound } from '../dependency/deadline.js';
import type { DeadlineSettings } from '../dependency/settings.js';

type Headers = Readonly<Record<string, unknown>>;

interface RawRequest {
  readonly headers?: Headers;
}

interface RawAnswer {
  readonly writableEnded?: boolean;
  /** Of Fastify. */
  readonly raw?: RawAnswer;
}

type Handler = (
  request: RawRequest,
  answer: RawAnswer,
  next: (error?: unknown) => void,
) => void;

/** The part of an HTTP adapter of Nest's that is used here. */
interface Adapter {
  getType?(): string;
  getInstance?(): { addHook?(name: 'preHandler', handler: Handler): void };
  use?(handler: Handler): unknown;
}

/** Longest time a header may ask for: what a timer of Node takes. */
const MOST_MS = 2_147_483_647;
const WHOLE_NUMBER = /^\d{1,10}$/;

/**
 * What a header says.
 *
 * Shape:  whole milliseconds up to 2,147,483,647; undefined for everything else, a repeated header too,
 *         which Node joins by commas.
 */
export function parseTimeoutMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !WHOLE_NUMBER.test(value)) return undefined;
  const ms = Number(value);
  return ms <= MOST_MS ? ms : undefined;
}

/** Binds what a request leads to until its answer has ended. */
class IncomingBound implements Bound {
  readonly outer = undefined;
  private readonly arrivedMs: number;

  constructor(
    private readonly headers: Headers,
    private readonly answer: RawAnswer,
    readonly clock: Clock,
  ) {
    this.arrivedMs = clock.nowMs();
  }

  get isOver(): boolean {
    return this.answer.writableEnded === true;
  }

  endMsFor({ header, isIncomingTrusted }: DeadlineSettings): number {
    if (!isIncomingTrusted) return Infinity;
    const ms = parseTimeoutMs(this.headers[header]);
    return ms === undefined ? Infinity : this.arrivedMs + ms;
  }
}

/** Has every request of the app bound by what it brings along. */
export function readIncomingDeadlines(
  { httpAdapter }: Pick<HttpAdapterHost, 'httpAdapter'>,
  clock: Clock,
): void {
  const adapter = httpAdapter as Adapter | undefined;
  const handler: Handler = ({ headers = {} }, answer, next) =>
    runWithin(new IncomingBound(headers, answer.raw ?? answer, clock), next);
  // Fastify reads a body after its middleware, and the async context is lost there.
  if (adapter?.getType?.() === 'fastify')
    adapter.getInstance?.().addHook?.('preHandler', handler);
  else adapter?.use?.(handler);
}
