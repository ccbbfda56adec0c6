/** What goes wrong in wiring, in sentences that name the cure. */
import { closest, distance } from 'fastest-levenshtein';

const list = (ids: readonly string[]): string =>
  ids.length === 0 ? 'none' : ids.join(', ');

/** A name so near that it was probably meant. */
function likelyOf(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(name, [...known]);
  const most = Math.max(2, Math.floor(nearest.length / 3));
  return distance(name, nearest) <= most ? nearest : undefined;
}

export function unknownDependencyMessage(
  id: string,
  known: readonly string[],
  users: readonly string[],
): string {
  const usedBy = users.length === 0 ? '' : ` (used by ${users.join(', ')})`;
  const likely = likelyOf(id, known);
  const hint = likely === undefined ? '' : ` Did you mean "${likely}"?`;
  return `No dependency "${id}"${usedBy}. Known: ${list(known)}.${hint} Add it to DaceModule.forRoot({ … }), or to a forFeature of a module that is imported.`;
}

export const duplicateDependencyMessage = (id: string): string =>
  `Dependency "${id}" is registered twice. Keep it in one forRoot or forFeature, and inject it elsewhere with @InjectDependency('${id}').`;

export const secondRootMessage = (): string =>
  'DaceModule.forRoot is imported twice in this app. Keep one; modules that own dependencies register them with DaceModule.forFeature({ … }).';

export const missingRootMessage = (ids: readonly string[]): string =>
  `DaceModule.forFeature(${list(ids)}) needs DaceModule.forRoot({ … }) in the app: it holds the one registry.`;

export const asyncMismatchMessage = (
  declared: readonly string[],
  given: readonly string[],
): string =>
  `DaceModule was told of the dependencies ${list(declared)}, but useFactory answered options for ${list(given)}. Make "dependencies" and the factory's keys agree.`;

export const unboundMessage = (
  className: string,
  method: string,
  id: string,
): string =>
  `${className}.${method} is @FaultTolerant('${id}'), but its instance belongs to no running app. Import DaceModule.forRoot({ … }) in the app that constructs ${className}, or call DaceRegistry.bind(instance) on that app's registry. (In a unit test, unprotected(instance) from nestjs-dace/testing runs its methods bare.)`;

export const notAMethodMessage = (name: string): string =>
  `@FaultTolerant can only protect instance methods; ${name} is not one. Move it to a method of an instance, or call dependency.wrap(fn).`;

export const noFallbackMethodMessage = (
  className: string,
  method: string,
  fallback: string,
): string =>
  `${className}.${method} has the fallback '${fallback}', but ${className} has no method of that name. In the decorator a string always names a method; for a text value use { fallback: () => '${fallback}' }.`;

export const unexpectedObservableMessage = (
  className: string,
  method: string,
): string =>
  `${className}.${method} returned an Observable but is protected as a method that returns a Promise. Annotate its return type as Observable (not imported by \`import type\`, which leaves no trace at run time), or add { observable: true } to @FaultTolerant.`;

export const notAPromiseMessage = (className: string, method: string): string =>
  `${className}.${method} returned a generator. @FaultTolerant protects methods that return a Promise or an Observable.`;

export const detachedMessage = (className: string, method: string): string =>
  `${className}.${method} was called without its instance. Call it on the instance, or pass ${method}.bind(instance).`;

export function unknownOptionMessage(
  subject: string,
  name: string,
  known: readonly string[],
): string {
  const likely = likelyOf(name, known);
  const hint = likely === undefined ? '' : ` Did you mean "${likely}"?`;
  return `${subject} has no option "${name}". Known: ${list(known)}.${hint}`;
}

export const wrongOptionMessage = (
  subject: string,
  name: string,
  value: unknown,
  expected: string,
): string =>
  `${subject}: ${name} is ${typeof value === 'object' && value !== null ? 'an object without what is needed' : String(value)}: expected ${expected}.`;
