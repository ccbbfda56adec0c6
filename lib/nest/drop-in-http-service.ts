/**
 * The `HttpService` over an axios instance that is made when it is first asked for. Its requests end
 * when nobody listens any more.
 */
import { HttpService } from '@nestjs/axios';
import type { AxiosInstance, AxiosRequestConfig, AxiosStatic } from 'axios';
import { Observable } from 'rxjs';

/** What the class takes where it is given none: the copy that its users compare errors with. */
const library = new HttpService().axiosRef as unknown as AxiosStatic;

export class DropInHttpService extends HttpService {
  constructor(make: (library: AxiosStatic) => AxiosInstance) {
    super();
    let instance: AxiosInstance | undefined;
    Object.defineProperty(this, 'instance', {
      get: () => (instance ??= make(library)),
    });
  }

  /**
   * A request for each subscription. Unlike that of the original it ends with its subscription also
   * where the answer was to be a stream, or the caller has a means of their own to cancel it: it would
   * be repeated for nobody.
   */
  protected override makeObservable<T>(
    send: (...args: unknown[]) => Promise<T>,
    ...args: unknown[]
  ): Observable<T> {
    return new Observable((subscriber) => {
      const config = { ...(args.at(-1) as AxiosRequestConfig | undefined) };
      const cancel = cancelOf(config);
      let isOver = false;
      send(...args.slice(0, -1), config).then(
        (answer) => {
          isOver = true;
          subscriber.next(answer);
          subscriber.complete();
        },
        (error: unknown) => {
          isOver = true;
          subscriber.error(error);
        },
      );
      return () => {
        if (!isOver) cancel();
      };
    });
  }
}

/** Adds a means to cancel, beside what the caller has given. */
function cancelOf(config: AxiosRequestConfig): () => void {
  if (config.cancelToken === undefined) {
    const { token, cancel } = library.CancelToken.source();
    config.cancelToken = token;
    return cancel;
  }
  const own = new AbortController();
  config.signal = config.signal
    ? AbortSignal.any([config.signal as AbortSignal, own.signal])
    : own.signal;
  return () => own.abort();
}
