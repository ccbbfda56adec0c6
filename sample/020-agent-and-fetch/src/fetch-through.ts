import type { Call } from 'nestjs-dace';

type Fetch = typeof fetch;

/**
 * Node's `fetch`, through the connections of one attempt: for clients that take a `fetch`.
 *
 * `as object` is for the compiler alone: the types of `DOM` know no dispatcher, those of Node 20 and
 * 22 one of undici 6, while the `fetch` of every supported Node takes this one.
 */
export const fetchThrough =
  (call: Call): Fetch =>
  (input, init) =>
    fetch(input, { ...init, dispatcher: call.agent } as object);
