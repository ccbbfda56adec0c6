/**
 * The check of a scenario. What is wrong with `options` themselves is told as for any dependency.
 */
import { DaceConfigurationError, type OptionProblem } from '../core/errors.js';
import { throwProblems } from '../dependency/option-check.js';
import { checkCallOptions } from '../dependency/option-schema.js';
import { isPlainObject, show } from '../dependency/option-text.js';
import { resolveSettings } from '../dependency/resolve-settings.js';
import { nameAdvice } from './scenario-names.js';
import {
  SCENARIO,
  TRAFFIC,
  type Names,
  type Shape,
} from './scenario-schema.js';
import { fleetProblems } from './fleet.js';
import type { Scenario, SimulateOptions } from './contract.js';

/** The id of the dependency under test. */
export const SIMULATED_ID = 'simulated';

/**
 * The scenario, if it is one.
 *
 * Errors: DaceConfigurationError that lists every problem.
 */
export function soundScenario(scenario: Scenario): Scenario {
  const problems = shapeProblems(scenario);
  throwProblems(SIMULATED_ID, subjectOf(scenario), problems);
  const { options, call } = scenario;
  resolveSettings(SIMULATED_ID, options ?? {});
  if (call !== undefined) checkCallOptions(SIMULATED_ID, call);
  throwProblems(SIMULATED_ID, subjectOf(scenario), fleetProblems(scenario));
  return scenario;
}

/** How to run it is written down in a hurry, too. */
export function checkSimulateOptions(options: SimulateOptions): void {
  const known = ['signal', 'onSecond'];
  const strange = Object.keys(options).find((name) => !known.includes(name));
  if (strange === undefined) return;
  throw new DaceConfigurationError({
    dependencyId: SIMULATED_ID,
    message: `simulate has no option "${strange}": ${nameAdvice(strange, known)}`,
  });
}

function subjectOf(scenario: Scenario): string {
  const name = isPlainObject(scenario) ? scenario.name : undefined;
  return typeof name === 'string' ? `Scenario ${show(name)}` : 'The scenario';
}

function shapeProblems(scenario: Scenario): OptionProblem[] {
  if (!isPlainObject(scenario))
    return [
      {
        option: 'scenario',
        message: `scenario is ${show(scenario)}: expected an object such as { options, hosts, traffic, seconds }`,
      },
    ];
  const { traffic } = scenario;
  return [
    ...problemsOf(SCENARIO, scenario, ''),
    ...(Array.isArray(traffic) ? problemsOf(TRAFFIC, traffic, 'traffic') : []),
  ];
}

function problemsOf(
  { schema, namesAt }: Shape,
  value: unknown,
  root: string,
): OptionProblem[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return issues.flatMap((issue) => {
    const at = pathOf(root, issue.path);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) =>
        unknownName(name, at, namesAt(issue.path)),
      );
    const shown = show(valueAt(value, issue.path));
    return { option: at, message: `${at} is ${shown}: ${issue.message}` };
  });
}

function unknownName(name: string, at: string, names: Names): OptionProblem {
  const option = at === '' ? name : `${at}.${name}`;
  const { known, elsewhere } = names;
  const advice = elsewhere(name) ?? nameAdvice(name, known);
  return { option, message: `unknown name "${option}": ${advice}` };
}

function pathOf(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, root);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let item = value;
  for (const key of path)
    item = (item as Record<PropertyKey, unknown> | undefined)?.[key];
  return item;
}
