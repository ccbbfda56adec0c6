/** Errors of what the caller gave us to send: they say nothing about the dependency. */
const faults = new WeakSet<object>();

export const markCallersFault = (error: object): void => void faults.add(error);

export const isCallersFault = (error: object): boolean => faults.has(error);
