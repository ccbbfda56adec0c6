/**
 * Markup in which every value is text unless it was made here: what a scenario is called must never
 * become part of the page.
 */

/** Markup that is safe to put into markup. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** Markup with parts in it; strings are escaped, `null` and `false` are nothing. */
export function html(
  strings: TemplateStringsArray,
  ...parts: readonly Part[]
): Html {
  const inner = strings.map(
    (string, index) =>
      string + (index < parts.length ? markup(parts[index]!) : ''),
  );
  return new Html(inner.join(''));
}

function markup(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === null || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number')
    return escaped(String(part));
  return part.map(markup).join('');
}

/** JSON that may stand in a script element: nothing in it can end the element or open a comment. */
export const embeddedJson = (value: unknown): Html =>
  new Html(
    JSON.stringify(value)
      .replaceAll('<', '\\u003c')
      .replaceAll('>', '\\u003e')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029'),
  );
