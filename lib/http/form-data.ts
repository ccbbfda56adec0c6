import { Blob } from 'node:buffer';

/** The part of the web's FormData that is read; undici's and Node's own are different classes. */
export interface FormEntries {
  entries(): Iterable<[string, unknown]>;
}

/** A form as one blob: its length is known and it can be sent again, files are read when sent. */
export function encodeForm(
  form: FormEntries,
  given: string | undefined,
): { type: string; blob: Blob } {
  const boundary = boundaryOf(given ?? '') ?? boundaryOf(platformType());
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form.entries())
    parts.push(`--${boundary}\r\n`, ...part(name, value), '\r\n');
  parts.push(`--${boundary}--\r\n`);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    blob: new Blob(parts),
  };
}

const boundaryOf = (type: string): string | undefined =>
  /boundary=([-\w]{10,70})/i.exec(type)?.[1];

/** A boundary nobody can foresee, drawn by whoever makes multipart bodies on this platform. */
const platformType = (): string =>
  new Response(new FormData()).headers.get('content-type') ?? '';

function part(name: string, value: unknown): (string | Blob)[] {
  const head = `Content-Disposition: form-data; name="${quote(name)}"`;
  if (!(value instanceof Blob))
    return [`${head}\r\n\r\n`, String(value).replace(ANY_BREAK, '\r\n')];
  const file = (value as { name?: string }).name ?? 'blob';
  const type = value.type.replace(/[\r\n]/g, '') || 'application/octet-stream';
  return [
    `${head}; filename="${quote(file)}"\r\nContent-Type: ${type}\r\n\r\n`,
    value,
  ];
}

/** Of texts alone, as the HTML standard has it: files stay as they are. */
const ANY_BREAK = /\r?\n|\r/g;

/** As the HTML standard escapes names in multipart bodies. */
const quote = (name: string): string =>
  name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
