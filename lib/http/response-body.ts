/** The body of an answer: unpacked and decoded. */
import { kMaxLength } from 'node:buffer';
import { Transform, pipeline } from 'node:stream';
import type { Readable, TransformCallback } from 'node:stream';
import * as zlib from 'node:zlib';
import type { HeaderFields } from './response-head.js';

type Unpack = (
  packed: Buffer,
  options: zlib.ZlibOptions & zlib.BrotliOptions,
  done: (error: Error | null, plain: Buffer) => void,
) => void;

interface Coding {
  readonly unpack: Unpack;
  readonly stream: () => Transform;
  /** Lenient at the end, as browsers are: a cut trailer is no error. */
  readonly finishFlush: number;
}

/** Since Node 22.15. */
const zstd = zlib as unknown as {
  zstdDecompress?: Unpack;
  createZstdDecompress?: (options: object) => Transform;
  constants: { ZSTD_e_flush?: number };
};

const GZIP: Coding = {
  unpack: zlib.unzip,
  stream: () => zlib.createUnzip({ finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  finishFlush: zlib.constants.Z_SYNC_FLUSH,
};
const RAW_DEFLATE: Coding = {
  unpack: zlib.inflateRaw,
  stream: () =>
    zlib.createInflateRaw({ finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  finishFlush: zlib.constants.Z_SYNC_FLUSH,
};
const BROTLI: Coding = {
  unpack: zlib.brotliDecompress,
  stream: () =>
    zlib.createBrotliDecompress({
      finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
    }),
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
};

const CODINGS = new Map<string, Coding>([
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  ['compress', GZIP],
  ['x-compress', GZIP],
  ['deflate', GZIP],
  ['br', BROTLI],
]);
const { zstdDecompress, createZstdDecompress, constants } = zstd;
if (zstdDecompress !== undefined && createZstdDecompress !== undefined) {
  const finishFlush = constants.ZSTD_e_flush ?? 0;
  CODINGS.set('zstd', {
    unpack: zstdDecompress,
    stream: () => createZstdDecompress({ finishFlush }),
    finishFlush,
  });
}

export const canUnpack = (coding: string): boolean => CODINGS.has(coding);

/** The name of the coding that we shall undo; its header is taken off then, as axios does. */
export function takeCoding(
  headers: HeaderFields,
  hasBody: boolean,
): string | undefined {
  const fields = headers as Record<string, unknown>;
  const value = fields['content-encoding'];
  const name = typeof value === 'string' ? value.toLowerCase() : undefined;
  if (name === undefined) return undefined;
  if (hasBody && !CODINGS.has(name)) return undefined;
  delete fields['content-encoding'];
  return hasBody ? name : undefined;
}

/** Undoes `coding` of a whole body; `maxBytes` bounds what a small packet may grow to, if it is one at least. */
export function unpack(
  packed: Buffer,
  coding: string,
  maxBytes: number,
  done: (error: Error | null, plain: Buffer) => void,
): void {
  if (packed.length === 0) return done(null, packed);
  const { unpack: run, finishFlush } = codingOf(coding, packed);
  run(packed, { finishFlush, maxOutputLength: asLength(maxBytes) }, done);
}

/** zlib takes whole numbers, from one up to the longest buffer there can be. */
const asLength = (bytes: number): number =>
  Math.max(1, Math.min(Math.floor(bytes), kMaxLength));

/** Undoes `coding` of a body as it comes. */
export function unpackStream(body: Readable, coding: string): Readable {
  const plain = codingOf(coding).stream();
  if (coding === 'deflate') pipeline(body, new ZlibHeader(), plain, () => {});
  else pipeline(body, plain, () => {});
  return plain;
}

/** `deflate` means zlib, but some servers send it without the zlib header. */
function codingOf(name: string, packed?: Buffer): Coding {
  const isRaw =
    name === 'deflate' && packed !== undefined && packed[0] !== 0x78;
  return isRaw ? RAW_DEFLATE : (CODINGS.get(name) as Coding);
}

/** Puts the missing header before a bare deflate stream. */
class ZlibHeader extends Transform {
  private isBegun = false;

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: TransformCallback,
  ): void {
    if (!this.isBegun && chunk.length > 0) {
      this.isBegun = true;
      if (chunk[0] !== 0x78) this.push(Buffer.from([0x78, 0x9c]));
    }
    done(null, chunk);
  }
}

const BOM = 0xfeff;

/** Text of a body without its byte order mark. */
export function decode(body: Buffer, encoding: string | undefined): string {
  if (encoding !== undefined && encoding !== 'utf8')
    return body.toString(encoding as BufferEncoding);
  const text = body.toString('utf8');
  return text.charCodeAt(0) === BOM ? text.slice(1) : text;
}
