/**
 * What a handler answers when nobody waits for it any more. Nest never sees it, so nothing else lets
 * go of what it would have been read from, an open file say.
 */
import { StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';

export function letGo(answer: unknown): void {
  if (answer instanceof StreamableFile) destroy(answer.getStream());
  else if (answer instanceof Readable) destroy(answer);
  else if (answer instanceof Response) void cancel(answer.body);
  else if (answer instanceof ReadableStream) void cancel(answer);
}

function destroy(stream: Readable): void {
  // A file that is opened in this moment may yet fail.
  stream.on('error', () => {});
  stream.destroy();
}

async function cancel(body: ReadableStream | null): Promise<void> {
  try {
    await body?.cancel();
  } catch {
    // Somebody reads it after all, or it has failed.
  }
}
