import type { InternalAxiosRequestConfig } from 'axios';
import { decode, unpack } from './response-body.js';

/** What packing may add to a body that would fit unpacked. */
const PACKING_SLACK = 1_024;

/** A body that is collected to its end, bounded by `maxContentLength` packed and unpacked. */
export class CollectedBody {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly max: number;

  constructor(
    private readonly config: InternalAxiosRequestConfig,
    private readonly coding: string | undefined,
  ) {
    const max = config.maxContentLength ?? -1;
    this.max = max > -1 ? max : Infinity;
  }

  /** False when that was too much. */
  add(chunk: Buffer): boolean {
    this.size += chunk.length;
    this.chunks.push(chunk);
    const { max, coding } = this;
    return this.size <= (coding === undefined ? max : max * 2 + PACKING_SLACK);
  }

  /** Hands over the data in the form the config asks for. */
  finish(
    done: (data: unknown) => void,
    fail: (error: Error, isTooLarge: boolean) => void,
  ): void {
    const { chunks, coding } = this;
    const bytes =
      chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    if (coding === undefined) return done(this.shape(bytes));
    unpack(bytes, coding, this.max, (error, plain) => {
      if (error !== null) {
        const { code } = error as { code?: string };
        return fail(error, code === 'ERR_BUFFER_TOO_LARGE');
      }
      if (plain.length > this.max) return fail(new RangeError(), true);
      let data: unknown;
      try {
        data = this.shape(plain);
      } catch (cause) {
        // An encoding nobody knows, or more than a text can hold: nobody else hears of it here.
        return fail(cause as Error, false);
      }
      done(data);
    });
  }

  private shape(bytes: Buffer): unknown {
    const { responseType, responseEncoding } = this.config;
    if (responseType === 'arraybuffer') return bytes;
    return decode(bytes, responseEncoding);
  }
}
