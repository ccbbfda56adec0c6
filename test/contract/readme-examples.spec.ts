import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BOUND } from '../support/processes.js';

const root = process.cwd();

/** The ts blocks of a page, in order. */
const examplesOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code!);

/** What tsc says about the examples, each a file of its own; empty if all compile. */
async function compile(examples: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(root, 'node_modules/.readme-'));
  try {
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          noUnusedLocals: false,
          noUnusedParameters: false,
          paths: {
            'nestjs-dace': [join(root, 'lib/index.ts')],
            'nestjs-dace/*': [
              join(root, 'lib/*/index.ts'),
              join(root, 'lib/*.ts'),
            ],
          },
        },
        include: ['*.ts'],
        exclude: [],
      }),
    );
    await Promise.all(
      examples.map((code, index) =>
        writeFile(join(folder, `example-${index + 1}.ts`), code),
      ),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', folder], BOUND);
    return '';
  } catch (error) {
    return (error as { stdout?: string }).stdout || String(error);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('The examples', () => {
  it.each([
    ['README.md', 4],
    ['docs/hosts.md', 3],
    ['docs/http.md', 1],
    ['docs/nest.md', 3],
    ['docs/simulator.md', 1],
    ['docs/deadlines.md', 2],
  ])('of %s compile', { timeout: 60_000 }, async (path, least) => {
    const examples = examplesOf(await readFile(join(root, path), 'utf8'));
    expect(examples.length).toBeGreaterThanOrEqual(least);
    expect(await compile(examples)).toBe('');
  });

  it('would not if one were wrong', { timeout: 60_000 }, async () => {
    const wrong =
      "import { createDependency } from 'nestjs-dace/core';\ncreateDependency('a', { timeout: 5 });\n";
    expect(await compile([wrong])).toContain('timeout');
  });
});
