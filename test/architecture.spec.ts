import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AMBIENT_FILES, ambientProblems } from './support/ambient.js';
import {
  cycleProblems,
  directionProblems,
  entryProblems,
  frameworkProblems,
  readSources,
  sizeProblems,
  undeclaredProblems,
} from './support/architecture.js';
import { packageJson, root } from './support/entries.js';

const sources = readSources(join(root, 'lib'));
const declared = new Set([
  ...Object.keys(packageJson.dependencies),
  ...Object.keys(packageJson.peerDependencies),
]);

const file = (path: string, text: string) => ({ path, text });
const ofLines = (path: string, lines: number) =>
  file(path, 'x;\n'.repeat(lines));

describe('The sources', () => {
  it('import only from folders below their own', () => {
    expect(directionProblems(sources)).toEqual([]);
  });

  it('never import in a circle', () => {
    expect(cycleProblems(sources)).toEqual([]);
  });

  it('know Nest and rxjs only in the Nest folders', () => {
    expect(frameworkProblems(sources)).toEqual([]);
  });

  it('import only packages that an installation brings', () => {
    expect(undeclaredProblems(sources, declared)).toEqual([]);
  });

  it('take time, chance and timers only through Clock and Random', () => {
    const others = sources.filter(({ path }) => !AMBIENT_FILES.has(path));

    expect(others.flatMap(ambientProblems)).toEqual([]);
  });

  it('are short', () => {
    expect(sizeProblems(sources)).toEqual([]);
  });

  it.each(['index.ts', 'core.ts'])('%s only names what it exports', (path) => {
    const entry = sources.find((source) => source.path === path);

    expect(entry && entryProblems(entry)).toEqual([]);
  });
});

describe('The direction check', () => {
  it.each([
    ["import { a } from '../circuit/a.js';", 'a value'],
    ["import type { A } from '../circuit/a.js';", 'a type'],
    ["export * from '../circuit/a.js';", 'a re-export'],
    ["type A = import('../circuit/a.js').A;", 'an import type'],
    ["const a = () => import('../circuit/a.js');", 'a lazy import'],
    ["const a = require('../circuit/a.js');", 'a require'],
  ])('catches %s', (text) => {
    expect(directionProblems([file('core/x.ts', text)])).toEqual([
      'core/x.ts imports circuit/a.ts',
    ]);
  });

  it('keeps the entries out of the folders', () => {
    const text = "import { a } from '../index.js';";

    expect(directionProblems([file('nest/x.ts', text)])).toHaveLength(1);
  });

  it('asks for a row for every new folder', () => {
    expect(directionProblems([file('misc/x.ts', '')])).toHaveLength(1);
  });

  it('lets a folder use itself and those below', () => {
    const text = "import './y.js'; import { a } from '../core/a.js';";

    expect(directionProblems([file('circuit/x.ts', text)])).toEqual([]);
  });
});

describe('The circle check', () => {
  it('tells the whole way round, types included', () => {
    const circle = [
      file('core/a.ts', "import { b } from './b.js';"),
      file('core/b.ts', "import { c } from './c.js';"),
      file('core/c.ts', "import type { B } from './b.js';"),
    ];

    expect(cycleProblems(circle)).toEqual([
      'core/b.ts → core/c.ts → core/b.ts',
    ]);
  });

  it('allows two ways to the same file', () => {
    const diamond = [
      file('core/a.ts', "import './b.js'; import './c.js';"),
      file('core/b.ts', "import './d.js';"),
      file('core/c.ts', "import './d.js';"),
      file('core/d.ts', ''),
    ];

    expect(cycleProblems(diamond)).toEqual([]);
  });
});

describe('The package checks', () => {
  const text = `
    import { Injectable } from '@nestjs/common';
    import { map } from 'rxjs/operators';
    import { once } from 'node:events';
  `;

  it('catch Nest and rxjs in a plain folder', () => {
    expect(frameworkProblems([file('http/x.ts', text)])).toEqual([
      'http/x.ts imports @nestjs/common',
      'http/x.ts imports rxjs/operators',
    ]);
    expect(frameworkProblems([file('core.ts', text)])).toHaveLength(2);
  });

  it('allow them in a Nest folder', () => {
    expect(frameworkProblems([file('nest/x.ts', text)])).toEqual([]);
  });

  it('catch a package that nobody declared', () => {
    const known = new Set(['@nestjs/common']);

    expect(undeclaredProblems([file('nest/x.ts', text)], known)).toEqual([
      'nest/x.ts imports rxjs/operators',
    ]);
  });
});

describe('The clock and chance check', () => {
  it.each([
    ['const t = Date.now();', 'Date.now'],
    ["const t = Date['now']();", 'Date.now'],
    ['const f = (now = Date.now) => now();', 'Date.now'],
    ['const { now } = Date;', 'Date.now'],
    ['const t = globalThis.Date.now();', 'Date.now'],
    ['const d = new Date();', 'new Date()'],
    ['const s = Date();', 'Date()'],
    ['const r = Math.random();', 'Math.random'],
    ['const t = performance.now();', 'performance'],
    ['const t = process.hrtime.bigint();', 'process.hrtime'],
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['const later = { setTimeout };', 'setTimeout'],
    ['globalThis.setTimeout(() => {}, 1);', 'setTimeout'],
    ['const t = setInterval(() => {}, 1);', 'setInterval'],
    ['class A { f() { setImmediate(() => {}); } }', 'setImmediate'],
    ['const s = AbortSignal.timeout(5);', 'AbortSignal.timeout'],
    ['const id = crypto.randomUUID();', 'crypto.randomUUID'],
    ["import { setTimeout as a } from 'node:timers';", 'node:timers'],
    ["import { scheduler } from 'timers/promises';", 'timers/promises'],
    ["const t = require('node:timers');", 'node:timers'],
    ["import { performance as p } from 'node:perf_hooks';", 'node:perf_hooks'],
    ["import { randomInt } from 'node:crypto';", 'randomInt'],
  ])('catches %s', (text, use) => {
    expect(ambientProblems(file('retry/x.ts', text))).toEqual([
      `retry/x.ts:1 uses ${use}`,
    ]);
  });

  it('names the line', () => {
    const text = '// Why.\n\nconst t = Date.now();\n';

    expect(ambientProblems(file('retry/x.ts', text))).toEqual([
      'retry/x.ts:3 uses Date.now',
    ]);
  });

  it.each([
    '// Date.now() would do',
    "const text = 'Math.random()';",
    'const date = new Date(0);',
    'const at = Date.parse(header);',
    'let timer: ReturnType<typeof setTimeout>;',
    'socket.setTimeout(5);',
    'const options = { setTimeout: 5 };',
    'const most = Math.max(1, 2);',
    "import { createHash } from 'node:crypto';",
  ])('leaves %s alone', (text) => {
    expect(ambientProblems(file('retry/x.ts', text))).toEqual([]);
  });
});

describe('The length check', () => {
  it('catches a file over 300 lines', () => {
    const sizes = [
      ofLines('a.ts', 1),
      ofLines('b.ts', 1),
      ofLines('c.ts', 301),
    ];

    expect(sizeProblems(sizes)).toEqual(['c.ts has 301 lines']);
    expect(
      sizeProblems([
        ofLines('a.ts', 1),
        ofLines('b.ts', 1),
        ofLines('c.ts', 300),
      ]),
    ).toEqual([]);
  });

  it('catches a median over 110 lines', () => {
    const sizes = [
      ofLines('a.ts', 1),
      ofLines('b.ts', 111),
      ofLines('c.ts', 200),
    ];

    expect(sizeProblems(sizes)).toEqual(['the median is 111 lines']);
  });
});

describe('The entry check', () => {
  it.each([
    "export * from './core/clock.js';",
    'export default 1;',
    'export const a = 1;',
    "import './nest/dace.module.js';",
  ])('catches %s', (text) => {
    expect(entryProblems(file('index.ts', text))).toHaveLength(1);
  });

  it('allows names, of values and of types', () => {
    const text = `
      export { a, type B } from './core/a.js';
      export type { C } from './core/c.js';
    `;

    expect(entryProblems(file('index.ts', text))).toEqual([]);
  });
});
