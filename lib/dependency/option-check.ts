/**
 * Goes through options level by level, tells every problem, and passes on what is sound.
 */
import type { z } from 'zod';
import { DaceConfigurationError, type OptionProblem } from '../core/errors.js';
import { isLevel, type Level } from './option-levels.js';
import { below, nameProblem } from './option-names.js';
import {
  isPlainObject,
  kindOf,
  show,
  showError,
  showUrl,
} from './option-text.js';

/** One look at a set of options. */
export class OptionCheck {
  readonly problems: OptionProblem[] = [];

  constructor(
    private readonly root: Level,
    /** Stands before every path, `defaults.`. */
    private readonly prefix = '',
  ) {}

  /** The sound part of `value`, a plain object of own keys; undefined counts as absent. */
  soundPart(value: unknown): Record<string, unknown> {
    const sound = this.checkLevel(this.root, value, '');
    return isPlainObject(sound) ? sound : {};
  }

  /** Whether something is told of the option at `path`. */
  isTold(path: string): boolean {
    return this.problems.some(({ option }) => option === this.prefix + path);
  }

  /** Notes a problem of the option at `path`. */
  tell(path: string, message: string): void {
    const option = this.prefix + path;
    this.problems.push({ option, message: `${option} ${message}` });
  }

  private checkLevel(level: Level, value: unknown, path: string): unknown {
    if (value === false && level.canBeOff) return false;
    if (value === true && level.canBeOn === true) return true;
    try {
      return this.checkEntries(level, value, path);
    } catch (error) {
      // A getter, or a proxy, of the user's.
      const at = path === '' ? 'options' : path;
      this.tell(at, `cannot be read: ${showError(error)}`);
      return undefined;
    }
  }

  private checkEntries(level: Level, value: unknown, path: string): unknown {
    if (!isPlainObject(value)) {
      this.tellNoObject(level, value, path);
      return undefined;
    }
    const sound = new Map<string, unknown>();
    for (const name of Object.keys(value)) {
      const item = this.read(value, name, below(path, name));
      if (item === undefined) continue;
      const entry = Object.hasOwn(level.entries, name)
        ? level.entries[name]
        : undefined;
      if (entry === undefined) this.tellName(name, level, path);
      else if (isLevel(entry)) {
        const part = this.checkLevel(entry, item, below(path, name));
        if (part !== undefined) sound.set(name, part);
      } else if (this.isSound(entry, item, below(path, name)))
        sound.set(name, item);
    }
    return Object.fromEntries(sound);
  }

  private isSound(schema: z.ZodType, value: unknown, path: string): boolean {
    const issues = schema.safeParse(value).error?.issues ?? [];
    for (const issue of issues) {
      const at = [path, ...issue.path.map(String)].join('.');
      const option = at.replace(/\.(\d+)(?=\.|$)/g, '[$1]');
      const hint = issue.path.length === 0 ? hintFor(schema, value) : '';
      const shown = shownAt(path, valueAt(value, issue.path));
      this.tell(option, `is ${shown}: ${issue.message}${hint}`);
    }
    return issues.length === 0;
  }

  private read(
    options: Record<string, unknown>,
    name: string,
    path: string,
  ): unknown {
    try {
      return options[name];
    } catch (error) {
      this.tell(path, `cannot be read: ${showError(error)}`);
      return undefined;
    }
  }

  private tellName(name: string, level: Level, path: string): void {
    const { root, prefix } = this;
    this.problems.push({
      option: prefix + below(path, name),
      message: nameProblem(name, level, path, root, prefix),
    });
  }

  private tellNoObject(level: Level, value: unknown, path: string): void {
    const on = level.canBeOn ? ', true' : '';
    const off = level.canBeOff ? `${on}, or false` : '';
    const hint = groupHint(level, value, path);
    // What stands in place of the HTTP options may hold credentials.
    const shown = path === 'http' ? kindOf(value) : show(value);
    const names = Object.keys(level.entries).slice(0, 3).join(', ');
    this.tell(
      path === '' ? 'options' : path,
      `is ${shown}: expected an object such as { ${names} }${off}${hint}`,
    );
  }
}

/** One error for all of `problems`, if there are any. */
export function throwProblems(
  id: string,
  subject: string,
  problems: readonly OptionProblem[],
): void {
  if (problems.length === 0) return;
  const many = problems.length === 1 ? 'option' : 'options';
  const lines = problems.map(({ message }) => `\n  - ${message}`);
  throw new DaceConfigurationError({
    dependencyId: id,
    message: `${subject} has ${problems.length} wrong ${many}:${lines.join('')}`,
    problems,
  });
}

function shownAt(path: string, value: unknown): string {
  if (path === 'http.headers' || path === 'http.tls') return kindOf(value);
  return path === 'hosts' || path === 'http.proxy'
    ? showUrl(value)
    : show(value);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let item = value;
  for (const key of path) item = (item as Record<PropertyKey, unknown>)[key];
  return item;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
]);

/** The way from what was written to what was meant. */
function hintFor(schema: z.ZodType, value: unknown): string {
  if (value === null) return '; leave it out for the default';
  if (typeof value !== 'string') return '';
  const takes = (other: unknown): boolean => schema.safeParse(other).success;
  const span = /^([\d.]+)\s*([a-z]+)$/i.exec(value.trim());
  const unit = UNITS.get(span?.[2]?.toLowerCase() ?? '');
  const spanMs = Number(span?.[1]) * (unit ?? NaN);
  if (takes(spanMs) && takes(0.5 + spanMs)) return `; write ${spanMs}`;
  if (value.trim() !== '' && Number.isFinite(Number(value)) && takes(1))
    return '; it is a string: use Number(…), as in Number(process.env.LIMIT)';
  if (/^\s*(true|false)\s*$/i.test(value) && (takes(true) || takes(false)))
    return "; it is a string: compare it, as in process.env.FLAG === 'true'";
  return '';
}

function groupHint(level: Level, value: unknown, path: string): string {
  if (value === null) return '; leave it out for the default';
  if (value === true) return '; leave it out for the defaults';
  if (typeof value === 'number' && path === 'retry')
    return `; write { attempts: ${value} }`;
  if (value === 'false' && level.canBeOff)
    return '; it is a string: write false';
  if (typeof value === 'object' && !Array.isArray(value))
    return '; copy it into one, { ...value }';
  return '';
}
