/**
 * Numbers as people read them, the same in the page and in the terminal.
 */
export const NONE = '–';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** `12,345`. */
export const count = (value: number): string => whole.format(value);

/** `1.23`. */
export const factor = (value: number): string => fine.format(value);

/** `99.98 %`; cut, not rounded: 100 % is said only of all. */
export const percent = (ratio: number): string =>
  `${fine.format(Math.floor(ratio * 10_000 + 1e-9) / 100)} %`;

/** `0.4 ms`, `85 ms`, `1.25 s`, `2 min 5 s`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${fine.format(round(ms))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 120) return `${fine.format(round(seconds))} s`;
  const rest = Math.round(seconds % 60);
  const minutes = Math.floor(seconds / 60) + (rest === 60 ? 1 : 0);
  return rest % 60 === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** `12.345 s`: an instant of the simulation. */
export const instant = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`;

/** Three significant digits. */
const round = (value: number): number => Number(value.toPrecision(3));
