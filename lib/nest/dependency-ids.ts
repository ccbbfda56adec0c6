/**
 * Ids an app declares, so that a misspelt one does not compile:
 * `declare module 'nestjs-dace' { interface DaceDependencies { payments: true } }`.
 *
 * @publicApi
 */
// eslint-disable-next-line typescript/no-empty-object-type -- filled by the app
export interface DaceDependencies {}

/** A declared id, or any string while the app declares none. @publicApi */
export type DependencyId = [keyof DaceDependencies] extends [never]
  ? string
  : Extract<keyof DaceDependencies, string>;
