/**
 * `@DaceCall()`: the parameter that is handed the attempt.
 */
import { DACE_CALL_METADATA } from './dace.constants.js';

/**
 * Marks the parameter of a `@FaultTolerant` method that receives the attempt's `Call`. Give it the
 * default `Call.injected`, so that callers leave it out.
 *
 * @example balance(account: string, @DaceCall() call: Call = Call.injected) { … }
 * @publicApi
 */
export function DaceCall(): ParameterDecorator {
  return (target, method, index) => {
    if (method === undefined) return;
    const slots = callSlots(target, method);
    Reflect.defineMetadata(
      DACE_CALL_METADATA,
      [...slots, index].sort((a, b) => a - b),
      target,
      method,
    );
  };
}

/** Positions of the marked parameters. Parameter decorators have all run when this is first asked. */
export function callSlots(
  target: object,
  method: string | symbol,
): readonly number[] {
  const slots: unknown = Reflect.getMetadata(
    DACE_CALL_METADATA,
    target,
    method,
  );
  return Array.isArray(slots) ? (slots as number[]) : [];
}
