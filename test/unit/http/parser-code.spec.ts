import { describe, expect, it } from 'vitest';
import { parserCode } from '../../../lib/http/parser-code.js';

const named = (name: string, reason: string): Error => {
  const message = `Response does not match the HTTP/1.1 protocol (${reason})`;
  return Object.assign(new Error(message), { name });
};

describe('The code of an answer that is no HTTP', () => {
  it.each([
    ['Expected HTTP/, RTSP/ or ICE/', 'HPE_INVALID_CONSTANT'],
    ['Invalid status code', 'HPE_INVALID_STATUS'],
    ['Invalid HTTP version', 'HPE_INVALID_VERSION'],
    ['Invalid header value char', 'HPE_INVALID_HEADER_TOKEN'],
    ['Invalid header token', 'HPE_INVALID_HEADER_TOKEN'],
    ['Invalid character in Content-Length', 'HPE_INVALID_CONTENT_LENGTH'],
    [
      "Content-Length can't be present with Transfer-Encoding",
      'HPE_INVALID_CONTENT_LENGTH',
    ],
    ['Invalid character in chunk size', 'HPE_INVALID_CHUNK_SIZE'],
    ['Missing expected CR after response line', 'HPE_CR_EXPECTED'],
    ['Expected LF after CR', 'HPE_STRICT'],
    ['something new', 'HPE_STRICT'],
  ])('%s: %s', (reason, code) => {
    expect(parserCode(named('HTTPParserError', reason))).toBe(code);
  });

  it('is none for other errors', () => {
    expect(parserCode(named('Error', 'Expected HTTP/'))).toBeUndefined();
  });
});
