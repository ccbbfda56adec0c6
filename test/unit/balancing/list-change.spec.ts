import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/balancing/host.js';
import {
  changeOf,
  type ListChange,
} from '../../../lib/balancing/list-change.js';
import { Permits } from '../../../lib/limits/permits.js';

const host = (name: string, weight = 1): Host =>
  new Host(
    {
      protocol: 'http',
      netloc: `${name}:80`,
      baseUrl: `http://${name}`,
      weight,
    },
    new Permits(10, 10),
  );

const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => host(name)) as [
  Host,
  Host,
  Host,
  Host,
  Host,
];
const heavy = host('heavy', 3);

const change = (before: Host[], all: Host[]): ListChange =>
  changeOf(before, { all });

describe('The change from one list of hosts to another', () => {
  it.each<[string, Host[], Host[], Host[]]>([
    ['nobody', [a, b], [b, a], []],
    ['one', [a, b], [b], [a]],
    ['all', [a, b], [c], [a, b]],
    ['all of them, for nobody', [a, b], [], [a, b]],
    ['nobody of none', [], [a], []],
  ])('leaves %s behind', (_what, before, now, gone) => {
    expect(change(before, now).gone).toEqual(gone);
  });

  it.each<[string, Host[], Host[], Host[]]>([
    ['one beside three', [a, b, c], [a, b, c, d], [d]],
    ['two beside two', [a, b, c], [a, b, d, e], [d, e]],
    ['nobody where two would come beside one', [a, b], [a, c, d], []],
    ['a heavy one beside three', [a, b, c], [a, b, c, heavy], [heavy]],
    [
      'nobody where a heavy one would come beside two',
      [a, b],
      [a, b, heavy],
      [],
    ],
    ['nobody of the first list', [], [a, b], []],
    ['nobody where all are others', [a, b], [c, d], []],
  ])('has start slowly: %s', (_what, before, now, slow) => {
    expect(change(before, now).slow).toEqual(slow);
  });

  it('counts upon those that start slowly themselves for as much as they take', () => {
    const late = host('late');
    late.returned(0);
    expect(change([a, late], [a, late, b]).slow).toEqual([]);
    expect(change([a, c, late], [a, c, late, b]).slow).toEqual([b]);
  });

  it('counts upon nobody who is out', () => {
    const gone = host('gone');
    gone.hasLeft = true;
    expect(change([a, gone], [a, gone, b]).slow).toEqual([]);
  });

  it.each<[string, Host[], Host[], boolean]>([
    ['one and two', [a], [a, b], true],
    ['two and one', [a, b], [a], true],
    ['two and none', [a, b], [], true],
    ['one and another', [a], [b], true],
    ['one and none', [a], [], true],
    ['one and the same', [a], [a], false],
    ['none and one', [], [a], false],
    ['none and two', [], [a, b], true],
    ['two and two others', [a, b], [c, d], false],
    ['two and three', [a, b], [a, b, c], false],
  ])('does not mix the counts of %s', (_what, before, now, isMixed) => {
    expect(change(before, now).isMixed).toBe(isMixed);
  });

  it.each<[string, Host[], Host[], boolean]>([
    ['one for another', [a], [b], true],
    ['all for others', [a, b], [c], true],
    ['none for some', [], [a], true],
    ['some for none', [a, b], [], false],
    ['one of two', [a, b], [b, c], false],
    ['nobody', [a], [a], false],
  ])('replaces %s', (_what, before, now, isReplaced) => {
    expect(change(before, now).isReplaced).toBe(isReplaced);
  });
});
