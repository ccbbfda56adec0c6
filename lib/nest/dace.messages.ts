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
  `${className}.${method} is @FaultTolerant('${id}'), but its instance belongs to no running app. Import DaceModule.forRoot({ … }) in the app that constructs ${className}, or call DaceRegistry.bind(instance) on that app's registry. In a constructor it may be too early: call it in onModuleInit. (In a unit test, unprotected(instance) from nestjs-dace/testing runs its methods bare.)`;

export const sharedMessage = (
  className: string,
  method: string,
  id: string,
): string =>
  `${className}.${method} is @FaultTolerant('${id}'), but several running apps were given its instance, by useValue. Have each app make its own with useFactory or useClass, or call DaceRegistry.bind(instance) on the registry of the one it belongs to.`;

export const calledByItsMakerMessage = (id: string): string =>
  `Dependency "${id}" is called by the factory that makes its options. Make them of something else, or register "${id}" apart with DaceModule.forFeature({ … }).`;

export const neverAddedMessage = (id: string, waitedMs: number): string =>
  `Dependency "${id}" was called while the app was put together, and after ${waitedMs} ms it is still not there: what makes its options may be waiting for this call. Call it from onModuleInit on.`;

export const lazyRootMessage = (): string =>
  'DaceModule.forRoot is imported by a module that is loaded lazily: Nest shows it to no other module and never shuts it down. Import it where the app starts; what a lazy module owns it registers with DaceModule.forFeature({ … }).';

const PARTS = {
  hosts: {
    its: 'its hosts',
    use: 'hosts are asked for outside of any request',
    lack: 'which has no method hosts(). Have it implement HostSource.',
  },
  loadBalancer: {
    its: 'its load balancer',
    use: 'it chooses for all requests',
    lack: 'which has no method pick(hosts, context). Have it implement LoadBalancer.',
  },
} as const;

const takenFrom = (
  id: string,
  part: keyof typeof PARTS,
  name: string,
): string => `Dependency "${id}" takes ${PARTS[part].its} from ${name}`;

/** `others` are the names that stand for themselves. */
export function missingPartMessage(
  id: string,
  part: keyof typeof PARTS,
  name: string,
  others: readonly string[],
): string {
  const likely = likelyOf(name, others);
  const hint = likely === undefined ? '' : ` Did you mean "${likely}"?`;
  const choice = others.length === 0 ? '' : `, or use one of ${list(others)}`;
  return `${takenFrom(id, part, name)}, which no module of the app provides. Add it to the providers of a module${choice}.${hint}`;
}

export const scopedPartMessage = (
  id: string,
  part: keyof typeof PARTS,
  name: string,
): string =>
  `${takenFrom(id, part, name)}, which is made anew for each request or for each who injects it. Make it a singleton: ${PARTS[part].use}.`;

export const notThatPartMessage = (
  id: string,
  part: keyof typeof PARTS,
  name: string,
): string => `${takenFrom(id, part, name)}, ${PARTS[part].lack}`;

export const partNotMadeMessage = (
  id: string,
  part: keyof typeof PARTS,
  name: string,
): string => `${takenFrom(id, part, name)}, which the app has not made yet.`;

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

export const tooEarlyMessage = (count: number): string =>
  `An Observable gave ${count} values in one go, before anybody could read the first. Annotate the return type of the @FaultTolerant method as Observable, or add { observable: true }: then each value is passed on when it comes.`;

export const notAPromiseMessage = (className: string, method: string): string =>
  `${className}.${method} returned a generator. @FaultTolerant protects methods that return a Promise or an Observable.`;

export const detachedMessage = (className: string, method: string): string =>
  `${className}.${method} was called without its instance. Call it on the instance, or pass ${method}.bind(instance).`;

export const idForDependencyMessage = (id: string): string =>
  `faultTolerant was given the id '${id}' but takes the dependency itself. Inject it with @InjectDependency('${id}') and pass that, or pass registry.get('${id}') of the app's DaceRegistry.`;

export const notADependencyMessage = (given: unknown): string =>
  `faultTolerant was given ${kindOf(given)} in place of a Dependency. Inject one with @InjectDependency(id) and pass that; if it is undefined in a property's initializer, put the stream together in a method.`;

export const notAStreamMessage = (id: string, given: unknown): string =>
  `faultTolerant for "${id}" was applied to ${kindOf(given)}: it belongs in the pipe(…) of an Observable. Protect a promise with dependency.execute(() => …).`;

export const unreachedGatewaysMessage = (gateways: readonly string[]): string =>
  `filter: true does not reach ${list(gateways)}: Nest asks no filter of the app for a gateway, and its clients hear nothing of refusals but "Internal server error". Put @UseFilters(DaceExceptionFilter), or a filter of your own, on the gateway.`;

function kindOf(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const { constructor } = value as { constructor?: { name?: unknown } };
  const name = constructor?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `an object of class ${name}`
    : 'an object';
}

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

export const noHttpServiceMessage = (id: string): string =>
  `The dependency "${id}" is overridden by something that sends no requests, and so is its HttpService. Override getHttpServiceToken('${id}') as well.`;
