import { describe, expect, it } from 'vitest';
import {
  catchUp,
  inStep,
  inTurn,
  MOST_CHANGES,
  steps,
  tellLater,
} from '../../../lib/core/in-turn.js';

const nothing = (): void => undefined;

describe('A step', () => {
  it('is heard of when it is complete, and so is what is within it', () => {
    const seen: string[] = [];
    const hear = (what: string): void =>
      void tellLater(() => seen.push(what), false);

    inStep(() => {
      hear('outer');
      inStep(() => hear('inner'));
      seen.push('complete');
    });

    expect(seen).toEqual(['complete', 'outer', 'inner']);
  });

  it('gives what it has made', () => {
    expect(inStep(() => 'made')).toBe('made');
  });

  it('that throws is over too', () => {
    const seen: string[] = [];

    expect(() =>
      inStep(() => {
        tellLater(() => seen.push('heard'), false);
        throw new Error('boom');
      }),
    ).toThrow('boom');

    expect(seen).toEqual(['heard']);
    expect(steps).toEqual({ underWay: 0, isTelling: false });
  });

  it('tells what is told about it last', () => {
    const seen: string[] = [];
    inStep(() => {
      tellLater(() => {
        tellLater(() => seen.push('of the first'), false);
        catchUp();
        seen.push('first');
      }, false);
      tellLater(() => seen.push('second'), false);
    });

    expect(seen).toEqual(['first', 'second', 'of the first']);
  });

  it('leads to no more than 100,000 things, warnings apart', () => {
    let heard = 0;
    const hear = (): void => void (heard += 1);

    const { last, warning } = inStep(() => {
      let isKept = true;
      while (isKept) isKept = tellLater(hear, false);
      return { last: isKept, warning: tellLater(hear, true) };
    });

    expect({ last, warning, heard }).toEqual({
      last: false,
      warning: true,
      heard: 100_001,
    });
  });
});

describe('A change', () => {
  it('is made at once where nothing is under way', () => {
    const seen: string[] = [];

    inTurn({}, () => seen.push('made'), nothing);

    expect(seen).toEqual(['made']);
  });

  it('that is asked for in the middle of a step is made after it', () => {
    const seen: string[] = [];
    const owner = {};

    inTurn(
      owner,
      () => {
        inTurn(owner, () => seen.push('inner'), nothing);
        seen.push('outer');
      },
      nothing,
    );

    expect(seen).toEqual(['outer', 'inner']);
  });

  it('that fails then keeps nobody from his', () => {
    const seen: unknown[] = [];
    const fail = (): never => {
      throw new Error('boom');
    };

    inStep(() => {
      inTurn({}, fail, (error) => seen.push((error as Error).message));
      inTurn({}, () => seen.push('made'), nothing);
    });

    expect(seen).toEqual(['boom', 'made']);
  });

  it('leads to no more than so many of its owner, and of every owner anew', () => {
    const made = new Map<string, number>();
    const again =
      (owner: { name: string }): (() => void) =>
      () => {
        made.set(owner.name, (made.get(owner.name) ?? 0) + 1);
        inTurn(owner, again(owner), nothing);
      };
    const [one, other] = [{ name: 'one' }, { name: 'other' }];

    inStep(() => {
      inTurn(one, again(one), nothing);
      inTurn(other, again(other), nothing);
    });
    inTurn(one, again(one), nothing);

    expect(made.get('other')).toBe(MOST_CHANGES);
    expect(made.get('one')).toBe(MOST_CHANGES + MOST_CHANGES + 1);
  });
});
