import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';

/** Passes bytes on until they are more than they may be; -1 = any number. */
export class Counted extends Transform {
  private passed = 0;

  constructor(
    private readonly max: number,
    private readonly tooLarge: () => Error,
  ) {
    super();
  }

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: TransformCallback,
  ): void {
    this.passed += chunk.length;
    if (this.max > -1 && this.passed > this.max) done(this.tooLarge());
    else done(null, chunk);
  }
}
