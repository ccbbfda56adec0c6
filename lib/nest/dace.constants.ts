/** Keys and tokens of the Nest layer. */

/** On a decorated method: what `@FaultTolerant` was given. */
export const FAULT_TOLERANT_METADATA = 'dace:fault_tolerant';

/** On a class and method name: positions of `@DaceCall()` parameters. */
export const DACE_CALL_METADATA = 'dace:call_slots';

/** The module's options, checked. */
export const DACE_MODULE_OPTIONS = Symbol('DaceModuleOptions');

/** Options of the dependencies, by id, of `forRootAsync`. */
export const DACE_ROOT_DEPENDENCIES = Symbol('DaceRootDependencies');

/** Property through which Nest hands each instance the registry of its app. */
export const DACE_BINDING = Symbol('DaceBinding');
