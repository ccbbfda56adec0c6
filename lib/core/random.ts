/**
 * Where all chance comes from: a function that draws from [0, 1), as `Math.random` does.
 *
 * @publicApi
 */
export type Random = () => number;

/** The process' own chance. */
export const realRandom: Random = () => Math.random();
