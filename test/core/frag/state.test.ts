/** The states of fragments: every word of four, words of sixteen, and what the header draws. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FragIndex } from '#src/core/base/units.js';
import { findFree, formatPage, getState, initStates, setState } from '#src/core/frag/ptdesc.js';
import {
  A,
  allFree,
  bitsOfC,
  C,
  F,
  formatState,
  freeBits,
  fromA,
  hasN,
  lowestSlot,
  N,
  PER_WORD,
  ripen,
  type State,
  slotBit,
  stateAt,
  stateWords,
  TRANSITIONS,
  withA,
  withState,
} from '#src/core/frag/state.js';
import { ptdescOf } from '#src/core/mem/heap.js';
import { kindOf, makeHeap } from '../../support/heap.js';

const STATES: readonly State[] = [A, C, N, F];
const LETTERS = 'ACNF';

/** Every word of four fragments, with its states. */
const WORDS_OF_FOUR: readonly { word: number; states: State[] }[] = Array.from(
  { length: 256 },
  (_, word) => ({
    word,
    states: [0, 1, 2, 3].map((i) => Math.floor(word / 4 ** i) % 4) as State[],
  }),
);

const STATES_16 = fc.array(fc.constantFrom(...STATES), { minLength: 16, maxLength: 16 });

function pack(states: readonly State[]): number {
  return states.reduce<number>((word, state, slot) => withState(word, slot, state), 0);
}

const AFTER_GRACE: Readonly<Record<State, State>> = { [A]: A, [C]: F, [N]: C, [F]: F };

function checkWord(word: number, states: readonly State[]): void {
  const text = states.map((state) => LETTERS[state]).join('');
  expect(states.map((_, slot) => stateAt(word, slot))).toEqual(states);
  expect(pack(states)).toBe(word);
  expect(formatState(word, states.length)).toBe(text);
  expect(ripen(word), text).toBe(pack(states.map((state) => AFTER_GRACE[state])));
  expect(hasN(word), text).toBe(states.includes(N));
  const bitsOf = (which: State): number =>
    states.reduce<number>((bits, state, slot) => bits | (state === which ? 1 << (2 * slot) : 0), 0);
  expect(bitsOfC(word), text).toBe(bitsOf(C));
  const bits = bitsOf(F);
  expect(freeBits(word), text).toBe(bits);
  if (bits !== 0) expect(lowestSlot(bits), text).toBe(states.indexOf(F));
}

describe('a state word', () => {
  it('of four fragments agrees with four states kept apart, for every word', () => {
    for (const { word, states } of WORDS_OF_FOUR) checkWord(word, states);
    expect(WORDS_OF_FOUR).toHaveLength(256);
  });

  it('of sixteen fragments agrees with sixteen states kept apart', () => {
    fc.assert(fc.property(STATES_16, (states) => checkWord(pack(states), states)));
    checkWord(-1, Array<State>(16).fill(F));
  });

  it('changes one fragment and no other', () => {
    const slot = fc.integer({ min: 0, max: 15 });
    fc.assert(
      fc.property(STATES_16, slot, fc.constantFrom(...STATES), (states, changed, state) => {
        const after = withState(pack(states), changed, state);
        const allocated = withState(after, changed, A);
        expect(withA(after, changed)).toBe(allocated);
        expect(fromA(allocated, changed, state)).toBe(after);
        expect(Array.from(states, (_, i) => stateAt(after, i))).toEqual(
          states.with(changed, state),
        );
      }),
    );
  });

  it('has a bit for each of its slots, and none for those of other words', () => {
    const bits = Array.from({ length: 48 }, (_, i) => slotBit(i - 16));
    const own = Array.from({ length: 16 }, (_, slot) => 1 << (2 * slot));
    expect(bits).toEqual([...Array(16).fill(0), ...own, ...Array(16).fill(0)]);
  });

  it('changes in a grace period only as the transitions allow, one step each', () => {
    for (const { word, states } of WORDS_OF_FOUR) {
      states.forEach((before, slot) => {
        const after = stateAt(ripen(word), slot);
        const legal = before === A || before === F ? [before] : TRANSITIONS[before];
        expect(legal).toContain(after);
      });
    }
  });

  it('has no fragment beyond the last of its page', () => {
    for (let fragments = 1; fragments <= PER_WORD; fragments++) {
      const word = allFree(fragments);
      expect(formatState(word, PER_WORD)).toBe(
        'F'.repeat(fragments) + 'A'.repeat(PER_WORD - fragments),
      );
      expect(ripen(word)).toBe(word);
    }
    expect(allFree(256)).toBe(-1);
    expect([1, 2, 16, 17, 32, 256].map(stateWords)).toEqual([1, 1, 1, 2, 2, 16]);
  });

  it('leads every fragment from A round to A, and back never', () => {
    expect(TRANSITIONS).toEqual({ [A]: [C, N], [C]: [F], [N]: [C], [F]: [A] });
    expect(Object.isFrozen(TRANSITIONS)).toBe(true);
  });
});

describe('the header of state.ts', () => {
  const path = fileURLToPath(new URL('../../../src/core/frag/state.ts', import.meta.url));
  const lines = readFileSync(path, 'utf8').split('\n');
  const lineWith = (pattern: RegExp): string => lines.find((line) => pattern.test(line)) ?? '';

  it('draws each bit above the fragment that it belongs to', () => {
    const bits = [...lineWith(/^ \* +bit /).matchAll(/\d+/g)];
    const cells = [...lineWith(/\| f15 \|/).matchAll(/(?<=\|) f(\d+) +(?=\|)/g)];
    expect(bits.map(([text]) => Number(text))).toEqual([31, 30, 29, 28, 5, 4, 3, 2, 1, 0]);
    for (const { 0: bit, index } of bits) {
      const cell = cells.find((c) => c.index <= index && index < c.index + c[0].length);
      const above = Number(cell?.[1]);
      const touched = Array.from({ length: 16 }, (_, slot) => stateAt(1 << Number(bit), slot));
      expect(
        touched.findIndex((state) => state !== A),
        `bit ${bit}`,
      ).toBe(above);
    }
  });

  it('gives each state the number that it has', () => {
    const rows = lines.flatMap((line) => {
      const row = /^ \* {3}([01]{2}) {2}([ACNF]) {2}/.exec(line);
      return row === null ? [] : [`${row[2]} = ${Number.parseInt(row[1] as string, 2)}`];
    });
    expect(rows).toEqual([`A = ${A}`, `C = ${C}`, `N = ${N}`, `F = ${F}`]);
  });

  it('lists the transitions that the table has, and no other', () => {
    const drawn = new Set(
      lines.flatMap((line) => {
        const row = /^ \* {3}([ACNF]) -> ([ACNF](?:, [ACNF])*) /.exec(line);
        if (row === null) return [];
        return (row[2] as string).split(', ').map((to) => `${row[1]}${to}`);
      }),
    );
    const legal = STATES.flatMap((from) =>
      TRANSITIONS[from].map((to) => `${LETTERS[from]}${LETTERS[to]}`),
    );
    expect([...drawn].sort()).toEqual(legal.sort());
  });
});

describe('the states of a page', () => {
  it.each([1, 2, 4, 8, 16, 32, 256])('of %i fragments are as set, one by one', (perPage) => {
    const { heap, mem } = makeHeap({ kinds: [kindOf(perPage)] });
    const ptdesc = ptdescOf(heap, 3 as never);
    const [kind] = heap.kinds as [(typeof heap.kinds)[0]];
    initStates(mem, ptdesc, kind);
    expect(formatPage(mem, ptdesc, kind)).toBe(`A${'F'.repeat(perPage - 1)}`);
    const states = fc.array(fc.constantFrom(...STATES), { minLength: perPage, maxLength: perPage });
    fc.assert(
      fc.property(states, fc.integer({ min: -1, max: perPage - 1 }), (wanted, holder) => {
        wanted.forEach((state, i) => {
          setState(mem, ptdesc, i as FragIndex, state);
        });
        expect(wanted.map((_, i) => getState(mem, ptdesc, i as FragIndex))).toEqual(wanted);
        // The lowest F, the holder last (P1).
        const free = wanted.findIndex((state, i) => state === F && i !== holder);
        expect(findFree(mem, ptdesc, perPage, holder)).toBe(free === -1 ? holder : free);
      }),
      { numRuns: 30 },
    );
  });
});
