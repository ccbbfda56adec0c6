/** What a host is called, told to it where its address stands in the URL. */
import type { Target } from './gate.js';

/** Adds `Host` to the lines of a request, unless it says itself whom it is for. */
export function withHost<Line>(
  lines: Line[],
  { authority }: Target,
): (Line | string)[] {
  if (authority === undefined) return lines;
  for (let i = 0; i < lines.length; i += 2)
    if (String(lines[i]).toLowerCase() === 'host') return lines;
  return [...lines, 'Host', authority];
}
