/**
 * Node's name for what is wrong with an answer that is no HTTP. undici has the same parser and its
 * words, but loses the name.
 */
const CODES: readonly (readonly [reason: RegExp, code: string])[] = [
  [/Expected HTTP\//, 'HPE_INVALID_CONSTANT'],
  [/status code/, 'HPE_INVALID_STATUS'],
  [/HTTP version/, 'HPE_INVALID_VERSION'],
  [/header/i, 'HPE_INVALID_HEADER_TOKEN'],
  [/Content-Length/, 'HPE_INVALID_CONTENT_LENGTH'],
  [/chunk size/, 'HPE_INVALID_CHUNK_SIZE'],
  [/Missing expected CR/, 'HPE_CR_EXPECTED'],
];
const OTHER = 'HPE_STRICT';

/** Undefined for an error that is not the parser's. */
export function parserCode({ name, message }: Error): string | undefined {
  if (name !== 'HTTPParserError') return undefined;
  const reason = /\((.*)\)$/s.exec(message)?.[1] ?? '';
  return CODES.find(([pattern]) => pattern.test(reason))?.[1] ?? OTHER;
}
