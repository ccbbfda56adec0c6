/**
 * Numbers, switches and functions with their ranges: the words of `option-schema.ts`. Each message
 * ends the sentence "option is value: …".
 */
import { z } from 'zod';

/** Longest time a timer of Node takes. */
export const MOST_MS = 2_147_483_647;

/** Milliseconds; fractions are times too. */
export const time = (least: 0 | 1): z.ZodType =>
  timeOf(least, `expected ${msText(least)}`);

/** Milliseconds, or `false` for none. */
export const timeOrOff = (): z.ZodType => {
  const text = `expected ${msText(1)}, or false for none`;
  return orFalse(timeOf(1, text), text);
};

/** A whole number. */
export const count = (least: 0 | 1): z.ZodType => {
  const text = `expected a whole number of at least ${least}`;
  return z.int(text).min(least, text);
};

/** A whole number, or `false` for no limit. */
export const countOrOff = (): z.ZodType => {
  const text = 'expected a whole number of at least 1, or false for no limit';
  return orFalse(z.int(text).min(1, text), text);
};

/** A part of a whole. */
export const ratio = (): z.ZodType => {
  const text = 'expected a number above 0, up to 1';
  return z.number(text).gt(0, text).max(1, text);
};

/** A part that may be none, or more than the whole. */
export const share = (): z.ZodType => {
  const text = 'expected a finite number of at least 0';
  return z.number(text).min(0, text);
};

/** What something is multiplied by again and again. */
export const factor = (): z.ZodType => {
  const text = 'expected a finite number of at least 1';
  return z.number(text).min(1, text);
};

export const flag = (): z.ZodType => z.boolean('expected true or false');

export const fn = (): z.ZodType =>
  z.custom((value) => typeof value === 'function', 'expected a function');

function msText(least: number): string {
  return `a finite number of milliseconds from ${least} to 2,147,483,647`;
}

function timeOf(least: number, text: string): z.ZodType {
  return z.number(text).min(least, text).max(MOST_MS, text);
}

function orFalse(schema: z.ZodType, text: string): z.ZodType {
  return z.union([schema, z.literal(false)], text);
}
