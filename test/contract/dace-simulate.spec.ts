import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageJson } from '../support/entries.js';
import { SimulateCommand } from '../support/simulate-command.js';

let command: SimulateCommand;

const read = (path: string): string =>
  readFileSync(join(command.work, path), 'utf8');

const small = {
  name: 'small',
  seconds: 3,
  traffic: 20,
  hosts: [{ phases: [{ fromS: 1, errorRatio: 1 }] }],
};

beforeAll(() => {
  command = new SimulateCommand();
}, 120_000);

afterAll(() => command.remove());

describe('dace-simulate', { timeout: 60_000 }, () => {
  it('draws a shipped scenario and says where', async () => {
    const { code, out, err } = await command.run('total-outage');

    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^Callers served +\d/m);
    expect(out).toContain(join(command.work, 'totalOutage.simulation.html'));
    expect(read('totalOutage.simulation.html')).toMatch(/^<!doctype html>/);
  });

  it('takes JSON, with comments, rules as data, and a byte order mark', async () => {
    command.write(
      'small.json',
      `\uFEFF// A small one.\n${JSON.stringify({
        ...small,
        options: {
          circuit: { trip: [{ errorCount: { maxFail: 1, windowMs: 5_000 } }] },
        },
      })}`,
    );

    const { code, err } = await command.run(
      'small.json',
      '--json',
      'small.result.json',
    );

    expect(err).toBe('');
    expect(code).toBe(0);
    const { seconds, transitions } = JSON.parse(read('small.result.json'));
    expect(seconds).toHaveLength(3);
    expect(transitions[0]).toMatchObject({
      type: 'circuit.opened',
      tripped: 'errorCount',
    });
  });

  it('takes TypeScript that imports from the package, typed and with functions', async () => {
    command.write(
      'mine.ts',
      `import { errorCount, type DependencyOptions } from 'nestjs-dace/core';
       import { scenarios, type Scenario } from 'nestjs-dace/testing';
       const options: DependencyOptions = { circuit: { trip: errorCount({ maxFail: 2 }) }, fallback: (error: unknown) => String(error) };
       export default { ...scenarios.totalOutage, name: 'mine', options, seconds: 30 } satisfies Scenario;`,
    );

    const { code, err } = await command.run(
      'mine.ts',
      '--json',
      'mine.result.json',
    );

    expect(err).toBe('');
    expect(code).toBe(0);
    const { totals, transitions } = JSON.parse(read('mine.result.json'));
    expect(totals.fallbacks).toBeGreaterThan(0);
    expect(transitions[0].tripped).toBe('errorCount');
    expect(read('mine.simulation.html')).toContain(
      'errorCount({ windowMs: 60000 }, …)',
    );
  });

  it.each([
    ['mine.mjs', 'export const scenario = { seconds: 2 };'],
    ['mine.cjs', 'module.exports = { seconds: 2 };'],
    ['mine.js', 'export default { seconds: 2 };'],
    ['mine.mts', 'const seconds: number = 2; export default { seconds };'],
  ])('takes %s', async (file, text) => {
    command.write(file, text);

    const { code, err } = await command.run(file, '--out', `${file}.html`);

    expect(err).toBe('');
    expect(code).toBe(0);
    expect(read(`${file}.html`)).toContain('2 s simulated');
  });

  it('shows two settings beside each other, under the same weather', async () => {
    command.write('first.json', JSON.stringify(small));
    command.write(
      'other.json',
      '{ "options": { "retry": false, "circuit": false } }',
    );

    const { code, out } = await command.run(
      'first.json',
      '--compare',
      'other.json',
      '--json',
      'both.json',
    );

    expect(code).toBe(0);
    expect(out).toMatch(/^ +small +other$/m);
    expect(read('first-vs-other.simulation.html')).toContain('against');
    const { first, second } = JSON.parse(read('both.json'));
    expect(second.totals.started).toBe(first.totals.started);
    expect(second.transitions).toEqual([]);
    expect(first.totals.retries).toBeGreaterThan(0);
    expect(second.totals.retries).toBe(0);
  });

  it('gives the same page for the same seed, and another for another', async () => {
    command.write('seeded.json', JSON.stringify(small));
    const pageOf = async (seed: string) => {
      await command.run('seeded.json', '--seed', seed, '-o', 'seeded.html');
      return read('seeded.html');
    };

    const page = await pageOf('3');

    expect(await pageOf('3')).toBe(page);
    expect(await pageOf('4')).not.toBe(page);
    expect(page).toContain('seed 3');
  });

  it('leaves nothing but what it was asked for', async () => {
    const { work } = command;
    mkdirSync(join(work, 'out'), { recursive: true });

    await command.run('blip', '-o', 'out/a.html', '--json', 'out/a.json');

    expect(readdirSync(join(work, 'out')).toSorted()).toEqual([
      'a.html',
      'a.json',
    ]);
  });

  it('tells its version and its flags', async () => {
    const { version } = packageJson as unknown as { version: string };
    expect((await command.run('--version')).out).toBe(`${version}\n`);
    const { out, code } = await command.run('--help');
    expect(code).toBe(0);
    for (const flag of ['--compare', '--out', '--json', '--seed'])
      expect(out).toContain(flag);
  });
});

describe(
  'dace-simulate, asked for what it cannot do',
  { timeout: 60_000 },
  () => {
    /** What it says about a scenario file. */
    async function complaint(file: string, text: string, ...more: string[]) {
      command.write(file, text);
      const { code, err, out } = await command.run(file, ...more);
      expect(out).toBe('');
      return { code, err };
    }

    it.each([
      [['nowhere.json'], 1, /There is no file .*nowhere\.json\.$/],
      [
        ['totalOutge'],
        1,
        /No file and no shipped scenario "totalOutge"\. Did you mean "totalOutage"\? Shipped are blip, /,
      ],
      [
        ['blip', '--compare', 'nowhere.ts'],
        1,
        /There is no file .*nowhere\.ts\.$/,
      ],
      [
        ['blip', '--copmare', 'x'],
        2,
        /Unknown flag --copmare\. Did you mean "--compare"\?/,
      ],
      [
        ['blip', '--out', 'no/such/folder/x.html'],
        1,
        /Cannot write .*x\.html: there is no folder .*folder\.$/,
      ],
      [['blip', '--out', '.'], 1, /Cannot write .*: it is a folder\.$/],
      [
        ['blip', '--out', 'x', '--json', './x'],
        2,
        /--out and --json are both /,
      ],
      [[], 2, /Which scenario\?/],
    ])('%j: exit code %i, %s', async (argv, exitCode, message) => {
      const { code, err, out } = await command.run(...argv);

      expect(err.trim()).toMatch(message);
      expect(err).toMatch(/^dace-simulate: /);
      expect(err).not.toContain('    at ');
      expect(code).toBe(exitCode);
      expect(out).toBe('');
    });

    it('says where JSON is wrong', async () => {
      const { code, err } = await complaint(
        'broken.json',
        '{\n  "seconds": 5,\n  "traffic": oops\n}\n',
      );

      expect(code).toBe(1);
      expect(err).toContain('broken.json:3:14 is no JSON: ');
      expect(err).toContain('  "traffic": oops\n');
      expect(err).toMatch(/\n {15}\^/);
    });

    it('says what is wrong in a scenario', async () => {
      const { code, err } = await complaint(
        'wrong.json',
        '{ "seconds": -1, "trafic": 5 }',
      );

      expect(code).toBe(1);
      expect(err).toMatch(/seconds/);
      expect(err).toMatch(/traffic/);
      expect(err).not.toContain('    at ');
    });

    it('says what is wrong with the options, as the dependency would', async () => {
      const { code, err } = await complaint(
        'options.json',
        '{ "seconds": 1, "options": { "timeout": 5 } }',
      );

      expect(code).toBe(1);
      expect(err).toMatch(/did you mean "timeoutMs"/);
    });

    it('says what is wrong with a rule that is written as data', async () => {
      const { code, err } = await complaint(
        'rule.json',
        '{ "seconds": 1, "options": { "circuit": { "trip": { "failureRatio": { "ratio": 7 } } } } }',
      );

      expect(code).toBe(1);
      expect(err).toMatch(/ratio/);
      expect(err).not.toContain('    at ');
    });

    it.each([
      ['array.json', '[]', /expected an object/],
      [
        'empty.ts',
        'export const other = 1;',
        /exports no scenario: write export default/,
      ],
      ['syntax.ts', 'export default {', /Cannot load .*syntax\.ts/],
      [
        'throws.mjs',
        'throw new Error("not today");',
        /Cannot load .*: not today/,
      ],
      ['text.yaml', 'seconds: 5', /is no scenario: expected \.ts/],
    ])('%s: %s', async (file, text, message) => {
      const { code, err } = await complaint(file, text);

      expect(code).toBe(1);
      expect(err).toMatch(message);
    });

    it('leaves no half file when it is interrupted', async () => {
      command.write(
        'long.json',
        JSON.stringify({ ...small, seconds: 20_000, traffic: 200 }),
      );
      command.write(
        'tell.mjs',
        `process.stderr.write('loaded'); export default { options: {} };`,
      );
      const { child, ended } = command.start(
        'long.json',
        '--compare',
        'tell.mjs',
        '-o',
        'interrupted.html',
      );
      child.stderr.once('data', () => child.kill('SIGINT'));

      const { signal, out } = await ended;

      expect(signal).toBe('SIGINT');
      expect(out).toBe('');
      expect(existsSync(join(command.work, 'interrupted.html'))).toBe(false);
      expect(
        readdirSync(command.work).filter((name) => name.endsWith('.part')),
      ).toEqual([]);
    });
  },
);
