import type { AxiosProgressEvent, InternalAxiosRequestConfig } from 'axios';
import { AsyncResource } from 'node:async_hooks';
import type { Payload } from './request-body.js';
import type { HeaderFields } from './response-head.js';

/** Is told how many bytes went by. */
export type Progress = (bytes: number) => void;
/** What ends when its listener throws. */
interface Request {
  cut(reason: unknown): void;
}
type Listener = (event: AxiosProgressEvent) => void;

/** Events of axios' shape without its smoothing: one a chunk, no rate. */
export function downloadProgress(
  config: InternalAxiosRequestConfig,
  headers: HeaderFields,
  request: Request,
): Progress | undefined {
  const listener = config.onDownloadProgress;
  if (typeof listener !== 'function') return undefined;
  const length = Number(headers.get('content-length'));
  return progress(listener, length || undefined, { download: true }, request);
}

export function uploadProgress(
  config: InternalAxiosRequestConfig,
  payload: Payload | null,
  request: Request,
): Progress | undefined {
  const listener = config.onUploadProgress;
  if (typeof listener !== 'function') return undefined;
  const length = lengthOf(payload) ?? Number(config.headers.getContentLength());
  return progress(listener, length || undefined, { upload: true }, request);
}

function lengthOf(payload: Payload | null): number | undefined {
  if (typeof payload === 'string' || Buffer.isBuffer(payload))
    return Buffer.byteLength(payload);
  return payload instanceof Blob ? payload.size : undefined;
}

function progress(
  listener: Listener,
  total: number | undefined,
  direction: { upload?: true; download?: true },
  request: Request,
): Progress {
  const tell = AsyncResource.bind(listener);
  let loaded = 0;
  return (bytes) => {
    loaded += bytes;
    const share =
      total === undefined ? {} : { total, progress: loaded / total };
    const lengthComputable = total !== undefined;
    try {
      tell({ loaded, bytes, lengthComputable, ...share, ...direction });
    } catch (error) {
      request.cut(error);
    }
  };
}
