/**
 * Writes docs/mutation.md from Stryker's report: `npm run mutation:report`, after `npm run mutation`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { transformWithOxc } from 'vite';
import { FOLDERS } from './stryker.config.mjs';
import { REASONS, SURVIVORS } from './survivors.mjs';

const root = new URL('../../', import.meta.url);
const { files } = JSON.parse(
  readFileSync(new URL('.stryker/report.json', root), 'utf8'),
);

const NOTICED = ['Killed', 'Timeout'];
const MISSED = ['Survived', 'NoCoverage'];
/** What nothing can run is no mutant: it is neither killed nor alive. */
const isCounted = ({ status }) => [...NOTICED, ...MISSED].includes(status);

function row(name, mutants) {
  const count = (...statuses) =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  const noticed = count(...NOTICED);
  const total = noticed + count(...MISSED);
  const score = total === 0 ? '–' : ((100 * noticed) / total).toFixed(1);
  return `| ${name} | ${total} | ${count('Killed')} | ${count('Timeout')} | ${count(...MISSED)} | ${score} |`;
}

/** The code between two places of a source, on one line. */
function codeOf(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return oneLine(lines.join('\n'));
}

function oneLine(code) {
  const text = code.replace(/\s+/g, ' ').trim();
  return text.length <= 90 ? text : `${text.slice(0, 89)}…`;
}

const listed = (names) => names.map((name) => `\`${name}\``).join(', ');

const quoted = (code) =>
  code.includes('`') ? `\`\` ${code} \`\`` : `\`${code}\``;

const perFile = Object.entries(files)
  .map(([path, { source, mutants }]) => ({
    path,
    source,
    mutants: mutants.filter(isCounted),
  }))
  .toSorted((one, other) => (one.path < other.path ? -1 : 1));
const folders = [...new Set(perFile.map(({ path }) => dirname(path)))];
const inFolder = (folder) =>
  perFile.filter(({ path }) => dirname(path) === folder);
const mutantsOf = (some) => some.flatMap(({ mutants }) => mutants);

const survivors = perFile.flatMap(({ path, source, mutants }) =>
  mutants
    .filter(({ status }) => MISSED.includes(status))
    .map(({ location, replacement }) => {
      const line = oneLine(source.split('\n')[location.start.line - 1]);
      const code = codeOf(source, location);
      const known = SURVIVORS.find(
        (each) => each.file === path && line.startsWith(each.line),
      );
      const change = `${quoted(code)} → ${quoted(oneLine(replacement))}`;
      return { path, change, why: known?.why, reason: known?.reason };
    }),
);

function listOf(reason) {
  const some = survivors.filter((each) => each.reason === reason);
  if (some.length === 0) return [];
  const title = REASONS[reason] ?? 'Not explained: a test is missing';
  // One line for all changes of a file that survive for the same cause.
  const groups = new Map();
  for (const each of some) {
    const key = `${each.path}\n${each.why}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [
    `### ${title} (${some.length})`,
    '',
    ...[...groups.values()].map((group) => {
      const [{ path, why }] = group;
      const changes = group.map(({ change }) => change).join('; ');
      return `- \`${path}\`${why === undefined ? '' : `, ${why}`}: ${changes}`;
    }),
    '',
  ];
}

const sources = FOLDERS.flatMap((folder) =>
  readdirSync(new URL(`lib/${folder}`, root)).map(
    (name) => `lib/${folder}/${name}`,
  ),
);
const unmutated = sources.filter((path) => !(path in files));
const isTypesOnly = await Promise.all(
  unmutated.map(async (path) => {
    const source = readFileSync(new URL(path, root), 'utf8');
    const { code } = await transformWithOxc(source, path);
    return /^(?:(?:import|export)\s*[{*][^;]*;\s*)*$/.test(code);
  }),
);
const missing = unmutated.filter((_, index) => !isTypesOnly[index]);
const typesOnly = unmutated.filter((_, index) => isTypesOnly[index]);
const stale = Object.keys(files).filter((path) => !sources.includes(path));
if (missing.length > 0 || stale.length > 0) {
  process.exitCode = 1;
  process.stderr.write(
    `The report is not of all that is there now: ${[...missing, ...stale].join(', ')}\n`,
  );
}

const HEAD = [
  '| | mutants | killed | by time | survived | score |',
  '| --- | ---: | ---: | ---: | ---: | ---: |',
];
const page = [
  '# Mutation testing: what the tests would notice',
  '',
  '`npm run mutation` changes the parts that decide, one small thing at a time (a `<` becomes a `<=`, a branch is left out, a text is',
  'empty), and runs the examples in `test/unit` that reach the change. A change that no test notices *survives*: either a test is missing,',
  'or the change makes no difference. Below 90 % noticed the command fails; one part is `npm run mutation -- --mutate',
  "'lib/limits/*.ts'`. `npm run mutation:report` wrote this page from what it found.",
  '',
  `It covers every file of ${listed(folders)}. Nothing can be changed in ${listed(typesOnly)}: types only.`,
  '*By time*: the change made a test run without an end.',
  '',
  '## Score',
  '',
  ...HEAD,
  row('**all**', mutantsOf(perFile)),
  ...folders.flatMap((folder) => [
    row(`**${folder}**`, mutantsOf(inFolder(folder))),
    ...inFolder(folder)
      .filter(({ mutants }) => mutants.length > 0)
      .map(({ path, mutants }) => row(path.slice(folder.length + 1), mutants)),
  ]),
  '',
  '## Survivors',
  '',
  ...[...Object.keys(REASONS), undefined].flatMap(listOf),
];
writeFileSync(
  new URL('docs/mutation.md', root),
  `${page.join('\n').trimEnd()}\n`,
);

const unexplained = survivors.filter(({ reason }) => reason === undefined);
for (const { path, change } of unexplained)
  process.stderr.write(`Not explained: ${path}: ${change}\n`);
const idle = SURVIVORS.filter(
  ({ file, line }) =>
    !survivors.some(({ path }) => path === file) ||
    !files[file].source.includes(line),
);
for (const { file, line } of idle)
  process.stderr.write(`Explains nothing: ${file}: ${line}\n`);
