/**
 * Checks of what a rule or a recovery is made with; a wrong value is told where it is written.
 */
import { DaceConfigurationError } from '../core/errors.js';
import { isPlainObject } from '../core/is-plain-object.js';

/** A window of calls takes one byte each, for every host. */
export const MOST_WINDOW_CALLS = 1_000_000;
const MOST_MS = 2_147_483_647;
const MOST_SHOWN = 60;

/**
 * The options of one factory.
 *
 * Errors: DaceConfigurationError that names the factory, the option, its value and its range.
 */
export class RuleCheck {
  constructor(private readonly factory: string) {}

  /** `options` are an object, and each has a name in `known`. */
  names(options: unknown, known: readonly string[]): void {
    if (!isPlainObject(options))
      this.fail('', `expected an object of ${known.join(', ')}`, options);
    for (const name of Object.keys(options))
      if (!known.includes(name))
        this.fail(name, `unknown option: known are ${known.join(', ')}`);
  }

  ratio(option: string, value: unknown): void {
    this.number(option, value, 'in (0, 1]', (ratio) => ratio > 0 && ratio <= 1);
  }

  count(option: string, value: unknown, least: number, most = Infinity): void {
    const upTo = most === Infinity ? '' : `, at most ${most}`;
    if (
      !Number.isSafeInteger(value) ||
      Number(value) < least ||
      Number(value) > most
    )
      this.fail(
        option,
        `expected a whole number of at least ${least}${upTo}`,
        value,
      );
  }

  time(option: string, value: unknown, least: 0 | 1): void {
    this.number(
      option,
      value,
      `of milliseconds from ${least} to 2,147,483,647`,
      (ms) => ms >= least && ms <= MOST_MS,
    );
  }

  number(
    option: string,
    value: unknown,
    range: string,
    isSound: (value: number) => boolean,
  ): void {
    if (typeof value !== 'number' || !isSound(value))
      this.fail(option, `expected a number ${range}`, value);
  }

  fail(option: string, message: string, ...value: readonly unknown[]): never {
    const { factory } = this;
    const written =
      option === '' ? `${factory}(…)` : `${factory}({ ${option} })`;
    const is = value.length === 0 ? '' : ` is ${show(value[0])}`;
    throw new DaceConfigurationError({
      dependencyId: factory,
      message: `${written}${is}: ${message}`,
      problems: [{ option, message }],
    });
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = JSON.stringify(value);
    return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…"`;
  }
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' || typeof value === 'symbol'
    ? `a ${typeof value}`
    : String(value);
}
