/**
 * How the errors of the module put what they know.
 */

/** A dependency, or one of its hosts. */
export const of = (id: string, netloc?: string): string =>
  netloc === undefined ? `"${id}"` : `"${id}" (${netloc})`;

/** `4,200 ms`; `toLocaleString` would cost more than the rest of a refusal. */
export function ms(value: number): string {
  let rest = Math.ceil(value);
  if (!(rest >= 1_000 && rest < Infinity)) return `${rest} ms`;
  let text = '';
  for (; rest >= 1_000; rest = Math.floor(rest / 1_000))
    text = `,${String(rest % 1_000).padStart(3, '0')}${text}`;
  return `${rest}${text} ms`;
}

/** What was said last: in an outage all refusals of one millisecond say the same. */
const said = {
  id: '',
  netloc: '' as string | undefined,
  state: '',
  ms: 0,
  text: '',
};

export function circuitText(
  id: string,
  netloc: string | undefined,
  state: string,
  retryAfterMs: number | undefined,
): string {
  const whole = retryAfterMs === undefined ? -1 : Math.ceil(retryAfterMs);
  const isSame =
    whole === said.ms &&
    id === said.id &&
    netloc === said.netloc &&
    state === said.state;
  if (isSame) return said.text;
  said.id = id;
  said.netloc = netloc;
  said.state = state;
  said.ms = whole;
  said.text = `Circuit of ${of(id, netloc)} is ${state}${
    whole < 0 ? '' : `; next probe in ${ms(whole)}`
  }`;
  return said.text;
}
