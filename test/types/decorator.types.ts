/**
 * What compiles and what does not; read by `tsc` alone. A line that starts to compile though it
 * should not is an unused `@ts-expect-error`, and fails the type check.
 */
import type { Observable } from 'rxjs';
import {
  Call,
  DaceCall,
  FaultTolerant,
  InjectDependency,
  type Dependency,
} from 'nestjs-dace';

export class Allowed {
  constructor(@InjectDependency('any id') readonly any: Dependency) {}

  @FaultTolerant('payments')
  async promise(id: string, @DaceCall() call: Call = Call.injected) {
    return [id, call];
  }
  @FaultTolerant('payments')
  generic<T>(value: T): Promise<T> {
    return Promise.resolve(value);
  }
  @FaultTolerant('payments', { timeoutMs: false, cancelOnDisconnect: true })
  declare stream: () => Observable<number>;

  @FaultTolerant('payments', { fallback: 'same' })
  async withSame(): Promise<number> {
    return 1;
  }
  same(_error: unknown): number {
    return 1;
  }
  @FaultTolerant('payments', { fallback: 'later' })
  async withPromise(): Promise<number> {
    return 1;
  }
  async later(): Promise<number> {
    return 2;
  }
  @FaultTolerant('payments', { fallback: null })
  async withNull(): Promise<number | null> {
    return 1;
  }
}

export class Refused {
  // @ts-expect-error A method that answers at once cannot be timed out.
  @FaultTolerant('payments')
  synchronous() {
    return 1;
  }

  // @ts-expect-error Neither a Promise nor an Observable.
  @FaultTolerant('payments')
  async *generator() {
    yield 1;
  }

  // @ts-expect-error There is no such method.
  @FaultTolerant('payments', { fallback: 'missing' })
  async withMissing(): Promise<number> {
    return 1;
  }

  // @ts-expect-error The fallback answers something else.
  @FaultTolerant('payments', { fallback: 'text' })
  async withText(): Promise<number> {
    return 1;
  }
  text(): string {
    return '';
  }

  // @ts-expect-error An Observable is no answer to who awaits.
  @FaultTolerant('payments', { fallback: 'values' })
  async withValues(): Promise<number> {
    return 1;
  }
  declare values: () => Observable<number>;

  // @ts-expect-error A signal belongs to one call, not to a method.
  @FaultTolerant('payments', { signal: new AbortController().signal })
  async withSignal(): Promise<void> {}

  // @ts-expect-error No such option.
  @FaultTolerant('payments', { timeout: 5 })
  async withTimeout(): Promise<void> {}
}
