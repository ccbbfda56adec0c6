import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/entries.js';

const files = ['balancing', 'circuit', 'core', 'limits', 'retry'].flatMap(
  (folder) =>
    readdirSync(join(root, 'lib', folder)).map((file) =>
      join('lib', folder, file),
    ),
);

/**
 * What goes wrong at loading fails whole spec files, which is no failed test to the mutation tests:
 * here it is one.
 */
it.each(files)('%s can be loaded', async (file) => {
  await expect(import(join(root, file))).resolves.toBeDefined();
});
