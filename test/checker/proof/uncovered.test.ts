/** What of the core no scenario runs is on a list, with a reason; all else some scenario runs. */
import { describe, expect, it } from 'vitest';
import { unrun, unrunIn } from '../../../scripts/mutants/unrun.mjs';
import { isOutside, UNCOVERED } from '../../../scripts/proof/uncovered.mjs';
import { LONG } from '../../support/long.js';

/** All scenarios run for it, without inlining: the long run has the minute that it takes. */

describe('the list of what no scenario runs', () => {
  it.runIf(LONG)(
    'names every function, and part of one, that none runs, and no other',
    async () => {
      const { whole, parts } = await unrun();
      const never = [...whole, ...parts.keys()];
      const names = UNCOVERED.flatMap(({ where }) => where);
      const covers = (name: string, place: string): boolean =>
        place === name || place.startsWith(`${name}:`);
      expect(never.filter((place) => !names.some((name) => covers(name, place)))).toEqual([]);
      expect(names.filter((name) => !never.some((place) => covers(name, place)))).toEqual([]);
      expect(new Set(names).size).toBe(names.length);
    },
  );

  it('puts whole modules outside of what is changed, not those of which a part is named', () => {
    expect(isOutside('core/mem/shared.js')).toBe(true);
    expect(isOutside('core/mem/lock.js')).toBe(false);
  });
});

describe('what does not run', () => {
  const TEXT = `function f(a) {
    if (a) {
      g();
      return 1;
    }
    if (b) throw new Error('no');
    if (c) return breakRule(1);
    return [1].map(() => 2);
  }
  const k = { h: () => 3 };
  const list = [1].map((n) => n + 1);`;
  /** What is found where these parts of the text do not run. */
  const found = (...dead: string[]): string[] => {
    const parts = dead.map((part) => ({ from: TEXT.indexOf(part), to: part.length }));
    const isRun = (place: number): boolean =>
      !parts.some(({ from, to }) => place >= from && place < from + to);
    return unrunIn(TEXT, isRun).map(({ name, statement }) => `${name} ${statement}`);
  };

  it('is told by function and statement, but for refusals', () => {
    expect(found()).toEqual([]);
    expect(found('g();', 'return 1;')).toEqual(['f g();', 'f return 1;']);
    expect(found('throw', 'return breakRule')).toEqual([]);
    expect(found('3 }')).toEqual(['h null']);
    expect(found('2)')).toEqual(['f null']);
  });

  it('is not asked of what runs at import', () => {
    expect(found('n +')).toEqual([]);
  });
});
