/** Keys and tokens of the Nest layer. Tokens are strings: Nest shows them in errors and graphs. */

/** On a decorated method: what `@FaultTolerant` was given. */
export const FAULT_TOLERANT_METADATA = 'dace:fault_tolerant';

/** On a class and method name: positions of `@DaceCall()` parameters. */
export const DACE_CALL_METADATA = 'dace:call_slots';

/** The module's options, checked. */
export const DACE_MODULE_OPTIONS = 'DaceModuleOptions';

/** In a module that owns dependencies: their options, by id. */
export const DACE_DEPENDENCIES = 'DaceDependencies';

/** The registry of the app, found by every module, whatever `isGlobal` says. */
export const DACE_APP = 'DaceApp';

/** In a feature's module: puts its executors into the registry. */
export const DACE_FEATURE_REGISTRATION = 'DaceFeatureRegistration';

/** Property through which Nest hands each instance the registry of its app. */
export const DACE_BINDING = Symbol('DaceBinding');

/** As Nest marks a gateway. */
export const GATEWAY_METADATA = 'websockets:is_gateway';
