import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  entries,
  exportedNames,
  formatList,
  packageJson,
  readList,
  type Entry,
  type ExportedNames,
} from './support/entries.js';

const UPDATE = 'UPDATE_PUBLIC_API=1 npx vitest run test/public-api.spec.ts';

async function loadedNames({
  specifier,
  source,
}: Entry): Promise<ExportedNames> {
  const loaded = (await import(specifier)) as object;
  const values = Object.keys(loaded).toSorted();
  const types = exportedNames(source).filter((name) => !(name in loaded));
  return { values, types };
}

describe('The public API', () => {
  it.each(entries)('of $specifier is the pinned one', async (entry) => {
    const names = await loadedNames(entry);
    if (process.env.UPDATE_PUBLIC_API)
      writeFileSync(entry.list, formatList(names));

    expect(
      names,
      `The exports of ${entry.specifier} changed. If that is meant: ${UPDATE}`,
    ).toEqual(readList(entry.list));
  });

  it.each(entries)(
    'of $specifier exports no name without a value',
    async ({ specifier }) => {
      const loaded = (await import(specifier)) as Record<string, unknown>;

      // A type that is re-exported without `type` shows up as an undefined value.
      expect(
        Object.keys(loaded).filter((name) => loaded[name] === undefined),
      ).toEqual([]);
    },
  );

  it('is found by resolvers that do not read "exports"', () => {
    const found = Object.fromEntries(
      entries
        .filter(({ name }) => name !== 'index')
        .map(({ name, types }) => [name, [`./${types}`]]),
    );

    expect(packageJson.typesVersions['*']).toEqual(found);
  });
});
