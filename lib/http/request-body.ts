/** The body of a request: from what axios' transforms leave to what undici sends. */
import { Readable, pipeline } from 'node:stream';
import { AxiosError } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { axiosError } from './axios-errors.js';
import { Counted } from './counted.js';
import { encodeForm } from './form-data.js';
import type { FormEntries } from './form-data.js';

type Config = InternalAxiosRequestConfig;
export type Payload = NonNullable<Dispatcher.DispatchOptions['body']>;

/** What goes out, and whether it can go out twice. */
export interface RequestBody {
  readonly payload: Payload | null;
  readonly isReplayable: boolean;
  /** Lets go of a stream that will not be sent. */
  readonly discard?: () => void;
  /** Whether it is the stream, and not the connection, that an error is of. */
  readonly isBrokenBy?: (error: unknown) => boolean;
}

export const NO_BODY: RequestBody = { payload: null, isReplayable: true };
const TOO_LARGE = 'Request body larger than maxBodyLength limit';

/** A form of the `form-data` package, which axios makes of objects. */
interface FormPackage extends NodeJS.ReadableStream {
  getHeaders(): Record<string, string>;
  hasKnownLength?(): boolean;
  getLengthSync?(): number;
}

/** May set `content-type` and `content-length` of `config.headers`, as axios' node adapter does. */
export function requestBody(
  config: Config,
  request: () => unknown,
): RequestBody {
  const data: unknown = config.data;
  if (!data) return NO_BODY;
  if (typeof data === 'string') return whole(data, config);
  if (Buffer.isBuffer(data)) return whole(data, config);
  if (data instanceof ArrayBuffer) return whole(Buffer.from(data), config);
  if (ArrayBuffer.isView(data))
    return whole(
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      config,
    );
  if (data instanceof URLSearchParams) return whole(data.toString(), config);
  if (isStream(data))
    return isFormPackage(data)
      ? packaged(data, config, request)
      : streamed(data, config, request);
  if (tagOf(data) === 'FormData') {
    const { type, blob } = encodeForm(
      data as FormEntries,
      config.headers.getContentType()?.toString(),
    );
    config.headers.setContentType(type);
    return sized(blob, config, request);
  }
  if (data instanceof Blob) {
    if (data.size === 0) return NO_BODY;
    config.headers.setContentType(data.type || 'application/octet-stream');
    return sized(data, config, request);
  }
  if (data instanceof ReadableStream)
    return streamed(Readable.fromWeb(data as never), config, request);
  throw axiosError(
    'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream',
    AxiosError.ERR_BAD_REQUEST,
    config,
  );
}

function whole(payload: string | Buffer, config: Config): RequestBody {
  const max = config.maxBodyLength ?? -1;
  if (max > -1 && Buffer.byteLength(payload) > max)
    throw axiosError(TOO_LARGE, AxiosError.ERR_BAD_REQUEST, config);
  return { payload, isReplayable: true };
}

function sized(
  payload: Blob,
  config: Config,
  request: () => unknown,
): RequestBody {
  const max = config.maxBodyLength ?? -1;
  if (max > -1 && payload.size > max) throw tooLarge(config, request);
  return { payload: payload as unknown as Payload, isReplayable: true };
}

const tooLarge = (config: Config, request: () => unknown): AxiosError =>
  axiosError(TOO_LARGE, AxiosError.ERR_BAD_REQUEST, config, request());

function streamed(
  data: NodeJS.ReadableStream,
  config: Config,
  request: () => unknown,
): RequestBody {
  const isModern = data instanceof Readable;
  if (isModern && (data.destroyed || Readable.isDisturbed(data)))
    throw axiosError(
      'The body is a stream that was read or destroyed before',
      AxiosError.ERR_BAD_REQUEST,
      config,
    );
  const max = config.maxBodyLength ?? -1;
  // Old streams (the form-data package) lack what undici asks of a Readable.
  if (max === -1 && isModern) return once(data);
  const counted = new Counted(max, () => tooLarge(config, request));
  pipeline(data, counted, () => {});
  return once(counted);
}

function once(payload: Readable): RequestBody {
  const broken: unknown[] = [];
  payload.on('error', (error: unknown) => void broken.push(error));
  return {
    payload,
    isReplayable: false,
    discard: () => payload.destroy(),
    // Of an error of its own a stream tells before the transport does.
    isBrokenBy: (error) => broken.includes(error),
  };
}

const tagOf = (value: object): unknown =>
  (value as Record<symbol, unknown>)[Symbol.toStringTag];

const isStream = (value: unknown): value is NodeJS.ReadableStream =>
  typeof (value as { pipe?: unknown }).pipe === 'function' &&
  typeof (value as { on?: unknown }).on === 'function';

const isFormPackage = (value: NodeJS.ReadableStream): value is FormPackage =>
  typeof (value as { getHeaders?: unknown }).getHeaders === 'function';

function packaged(
  form: FormPackage,
  config: Config,
  request: () => unknown,
): RequestBody {
  const isContentOnly = isContentPolicy(config);
  for (const [name, value] of Object.entries(form.getHeaders()))
    if (!isContentOnly || CONTENT.has(name.toLowerCase()))
      config.headers.set(name, value);
  if (form.hasKnownLength?.() && !config.headers.hasContentLength())
    config.headers.setContentLength(form.getLengthSync?.() ?? null);
  return streamed(form, config, request);
}

const CONTENT = new Set(['content-type', 'content-length']);

const isContentPolicy = (config: Config): boolean =>
  (config as { formDataHeaderPolicy?: unknown }).formDataHeaderPolicy ===
  'content-only';
