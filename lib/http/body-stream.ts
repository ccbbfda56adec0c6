import { AsyncResource } from 'node:async_hooks';
import { Readable, pipeline } from 'node:stream';
import { Counted } from './counted.js';
import { unpackStream } from './response-body.js';

/** The connection behind a body that is read as it comes. */
export interface BodySource {
  /** Asks for more after a push was refused. */
  resume(): void;
  /** The reader is done with it, or gave up: nothing more is wanted. */
  close(error: Error | null): void;
}

/**
 * A body as it comes off the wire, told of in the context in which it is made. An error nobody
 * listens for must not end the process.
 */
export class BodyStream extends Readable {
  constructor(private readonly source: BodySource) {
    super();
    this.on('error', ignore);
  }

  private arrived = 0;
  private readonly context = new AsyncResource('DaceBody', {
    requireManualDestroy: true,
  });

  /** Bytes its reader has taken so far. */
  get taken(): number {
    return this.arrived - this.readableLength;
  }

  /** A piece off the wire; false = no more for now. */
  arrive(chunk: Buffer): boolean {
    this.arrived += chunk.length;
    return this.push(chunk);
  }

  override push(chunk: Buffer | null): boolean {
    return this.context.runInAsyncScope(() => super.push(chunk));
  }

  override _read(): void {
    this.source.resume();
  }

  override _destroy(
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void {
    this.source.close(error);
    this.context.runInAsyncScope(done, undefined, error);
  }
}

/** What the user reads: `body`, unpacked and bounded where asked for. */
export function readableBody(
  body: BodyStream,
  coding: string | undefined,
  max: number,
  tooLarge: () => Error,
): Readable {
  const plain = coding === undefined ? body : unpackStream(body, coding);
  plain.on('error', ignore);
  if (max < 0) return plain;
  const counted = new Counted(max, tooLarge);
  pipeline(plain, counted, ignore);
  return counted.on('error', ignore);
}

function ignore(): void {}
