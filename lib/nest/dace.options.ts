/**
 * The module's own options, checked where they enter. Those of each dependency are checked where its
 * executor is made.
 */
import { DaceConfigurationError } from '../core/errors.js';
import { isPlainObject } from '../core/is-plain-object.js';
import {
  asyncMismatchMessage,
  unknownOptionMessage,
  wrongOptionMessage,
} from './dace.messages.js';
import type {
  DaceFeatureAsyncOptions,
  DaceModuleAsyncOptions,
  DaceModuleOptions,
  DependencyMap,
} from './dace-module.interface.js';

/** What a value must be, in words, and whether it is. */
type Rule = readonly [string, (value: unknown) => boolean];

const hasFunctions =
  (...names: string[]) =>
  (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    names.every(
      (name) => typeof (value as Record<string, unknown>)[name] === 'function',
    );
const aFlag: Rule = ['true or false', (value) => typeof value === 'boolean'];
const aFunction: Rule = ['a function', (value) => typeof value === 'function'];
const aList: Rule = ['an array', (value) => Array.isArray(value)];
const anObject: Rule = ['an object', isPlainObject];

const SETTINGS: Record<
  Exclude<keyof DaceModuleOptions, 'isGlobal' | 'filter'>,
  Rule
> = {
  defaults: anObject,
  logger: [
    'false, or a logger with log, warn and error',
    (value) => value === false || hasFunctions('log', 'warn', 'error')(value),
  ],
  clock: [
    'a Clock with nowMs, dateMs and alarm',
    hasFunctions('nowMs', 'dateMs', 'alarm'),
  ],
  random: aFunction,
  cancelOnDisconnect: aFlag,
};
const ROOT: Record<keyof DaceModuleOptions, Rule> = {
  isGlobal: aFlag,
  ...SETTINGS,
  filter: aFlag,
};
const FEATURE_ASYNC: Record<keyof DaceFeatureAsyncOptions, Rule> = {
  dependencies: [
    'an array of ids, known before the factory runs',
    (value) =>
      Array.isArray(value) && value.every((id) => typeof id === 'string'),
  ],
  imports: aList,
  inject: aList,
  useFactory: aFunction,
};
const ROOT_ASYNC: Record<keyof DaceModuleAsyncOptions, Rule> = {
  ...FEATURE_ASYNC,
  useOptions: aFunction,
  isGlobal: aFlag,
  filter: aFlag,
};
const REQUIRED = ['dependencies', 'useFactory'];

export function checkModuleOptions(options: DaceModuleOptions): void {
  check('DaceModule.forRoot', options, ROOT);
}

/** What `useOptions` answered: what shapes the module itself must be known before. */
export function checkLateOptions(options: object): void {
  check('useOptions of DaceModule.forRootAsync', options, SETTINGS);
}

export function checkRootAsync(options: DaceModuleAsyncOptions): void {
  check('DaceModule.forRootAsync', options, ROOT_ASYNC, REQUIRED);
}

export function checkFeatureAsync(options: DaceFeatureAsyncOptions): void {
  check('DaceModule.forFeatureAsync', options, FEATURE_ASYNC, REQUIRED);
}

/** The ids of `dependencies`, own keys only. */
export function idsOf(
  subject: string,
  dependencies: unknown,
  name = 'the first argument',
): string[] {
  if (!anObject[1](dependencies))
    throw wrong(
      wrongOptionMessage(
        subject,
        name,
        dependencies,
        'options by id, { payments: { … }, … }',
      ),
    );
  return Object.keys(dependencies as object);
}

/** The ids that were declared and those the factory answered must be the same. */
export function checkAgreement(
  declared: readonly string[],
  made: DependencyMap,
): void {
  const answer = `its answer for ${declared.join(', ')}`;
  const given = idsOf('useFactory of DaceModule', made, answer);
  const isSame =
    given.length === declared.length &&
    given.every((id) => declared.includes(id));
  if (!isSame) throw wrong(asyncMismatchMessage(declared, given));
}

function check(
  subject: string,
  options: unknown,
  rules: Record<string, Rule>,
  required: readonly string[] = [],
): void {
  if (!anObject[1](options))
    throw wrong(wrongOptionMessage(subject, 'options', options, anObject[0]));
  const given = options as Record<string, unknown>;
  for (const name of new Set([...Object.keys(given), ...required])) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined)
      throw wrong(unknownOptionMessage(subject, name, Object.keys(rules)));
    const value = given[name];
    if (value === undefined && !required.includes(name)) continue;
    const [expected, isRight] = rule;
    if (!isRight(value))
      throw wrong(wrongOptionMessage(subject, name, value, expected));
  }
}

function wrong(message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId: 'DaceModule', message });
}
