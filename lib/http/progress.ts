import type { AxiosProgressEvent, InternalAxiosRequestConfig } from 'axios';
import type { Payload } from './request-body.js';
import type { HeaderFields } from './response-head.js';

/** Is told how many bytes went by. */
export type Progress = (bytes: number) => void;
type Listener = (event: AxiosProgressEvent) => void;

/** Events of axios' shape without its smoothing: one a chunk, no rate. */
export function downloadProgress(
  config: InternalAxiosRequestConfig,
  headers: HeaderFields,
): Progress | undefined {
  const listener = config.onDownloadProgress;
  if (typeof listener !== 'function') return undefined;
  const length = Number(headers.get('content-length'));
  return progress(listener, length || undefined, { download: true });
}

export function uploadProgress(
  config: InternalAxiosRequestConfig,
  payload: Payload | null,
): Progress | undefined {
  const listener = config.onUploadProgress;
  if (typeof listener !== 'function') return undefined;
  const length = lengthOf(payload) ?? Number(config.headers.getContentLength());
  return progress(listener, length || undefined, { upload: true });
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
): Progress {
  let loaded = 0;
  return (bytes) => {
    loaded += bytes;
    const share =
      total === undefined ? {} : { total, progress: loaded / total };
    const lengthComputable = total !== undefined;
    listener({ loaded, bytes, lengthComputable, ...share, ...direction });
  };
}
