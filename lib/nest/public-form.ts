/**
 * What a client is told of an error of ours, in the form of each context. The message says no more
 * than the status does: ours names dependencies and hosts.
 */
import type { DaceError } from '../core/errors.js';

/** What every client may know. */
export interface PublicForm {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

const PHRASES: Record<number, string> = {
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The phrase of a status, `Service Unavailable`. */
export const phraseOf = (status: number): string =>
  PHRASES[status] ?? PHRASES[503]!;

export function publicForm(error: DaceError): PublicForm {
  const { retryAfterMs } = error as { retryAfterMs?: number };
  return {
    code: error.code,
    message: phraseOf(error.status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** What a `ClientProxy` hands on as the error of its Observable, and what a socket is sent. */
export function messageForm(
  error: DaceError,
): PublicForm & { readonly status: 'error' } {
  return { status: 'error', ...publicForm(error) };
}

/** GraphQL servers copy `extensions` of what is thrown, and in development its stack. */
export function graphQlForm(error: DaceError): Error {
  const { message, ...extensions } = publicForm(error);
  const form = new Error(message);
  form.stack = `Error: ${message}`;
  return Object.assign(form, { extensions });
}

/** Numbers that gRPC clients decide by. */
const INTERNAL = 13;
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;

/** The trailing metadata of gRPC, whose class we do not import. */
interface Metadata {
  set(key: string, value: string): void;
}

/**
 * A status of gRPC; when to come back is said as its clients read it.
 *
 * Source: gRPC status codes; proposal A6, "Pushback".
 */
export function grpcForm(
  error: DaceError,
  received: object | undefined,
): { code: number; message: string; details: string; metadata?: Metadata } {
  const { message, retryAfterMs } = publicForm(error);
  const code = grpcCodeOf(error.status);
  const form = { code, message, details: message };
  if (retryAfterMs === undefined || received === undefined) return form;
  const metadata = new (received.constructor as new () => Metadata)();
  metadata.set('grpc-retry-pushback-ms', String(Math.ceil(retryAfterMs)));
  return { ...form, metadata };
}

function grpcCodeOf(status: number): number {
  if (status === 504) return DEADLINE_EXCEEDED;
  return status === 503 ? UNAVAILABLE : INTERNAL;
}
