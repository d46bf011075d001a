/** The page supply against a bitmap, and the check of it against planted damage. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, type Pfn, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, ptdescOf, type Thread } from '#src/core/mem/heap.js';
import { HEAP, ORDERS, PTDESC } from '#src/core/mem/layout.js';
import { listAdd, listDelete } from '#src/core/mem/list.js';
import {
  freeListOf,
  growSupply,
  returnPages,
  supplyCounts,
  takePages,
} from '#src/core/mem/supply.js';
import { checkSupply, type Violation } from '#src/core/mem/supply-check.js';
import { Bitmap } from '../../support/bitmap.js';
import { checkUnchanged, kindOf, makeHeap, nodesOf, snapshot } from '../../support/heap.js';

const PAGES_MAX = 700;

function makeSupply(pages: number, pagesMax = PAGES_MAX): { heap: Heap; thread: Thread } {
  return makeHeap({ kinds: [kindOf(1)], pagesMax, pages });
}

const retireNothing = (): void => {};

function checkAgainst(heap: Heap, thread: Thread, bitmap: Bitmap): void {
  const found: Violation[] = [];
  const out = checkSupply(heap, found);
  expect(found).toEqual([]);
  expect(new Map(out.map(({ pfn, order }) => [pfn as number, order]))).toEqual(
    new Map([...bitmap.out].sort(([a], [b]) => a - b)),
  );
  expect(supplyCounts(thread)).toEqual({ free: bitmap.free, limit: bitmap.limit });
}

/** The free blocks of each order. */
function freeBlocks(heap: Heap): number[][] {
  return Array.from({ length: ORDERS }, (_, order) => {
    const blocks = nodesOf(heap, freeListOf(order)).map(
      (link) => (link - heap.ptdescsAt - PTDESC.LINK) / PTDESC.WORDS,
    );
    return blocks.sort((a, b) => a - b);
  });
}

type Step = readonly ['take' | 'return' | 'grow', number];

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('take' as const), fc.nat({ max: ORDERS - 1 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('return' as const), fc.nat()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('grow' as const), fc.nat({ max: 200 })) },
);

function apply(thread: Thread, bitmap: Bitmap, [what, number]: Step): void {
  if (what === 'grow') {
    const added = Math.min(number, PAGES_MAX - bitmap.limit);
    expect(growSupply(thread, number)).toBe(added);
    bitmap.limit += added;
  } else if (what === 'take') {
    const pfn = takePages(thread, number);
    // Null only if there is none: merging leaves no free block unfound (S1).
    expect(pfn !== null).toBe(bitmap.hasFree(number));
    if (pfn === null) return;
    expect(bitmap.isFree(pfn, number)).toBe(true);
    bitmap.out.set(pfn, number);
  } else if (bitmap.out.size > 0) {
    const [pfn] = [...bitmap.out][number % bitmap.out.size] as [number, number];
    returnPages(thread, pfn as Pfn, retireNothing);
    bitmap.out.delete(pfn);
  }
}

describe('the supply', () => {
  it('hands out what a bitmap has free, and merges back to where it began (S1, S2)', () => {
    fc.assert(
      fc.property(fc.nat({ max: PAGES_MAX }), fc.array(STEP, { maxLength: 60 }), (pages, steps) => {
        const { heap, thread } = makeSupply(pages);
        const bitmap = new Bitmap(pages);
        for (const step of steps) {
          apply(thread, bitmap, step);
          checkAgainst(heap, thread, bitmap);
        }
        for (const pfn of bitmap.out.keys()) returnPages(thread, pfn as Pfn, retireNothing);
        bitmap.out.clear();
        checkAgainst(heap, thread, bitmap);
        // As if never used: the blocks of a fresh supply of the same size.
        expect(freeBlocks(heap)).toEqual(freeBlocks(makeSupply(bitmap.limit).heap));
      }),
      { numRuns: 60 },
    );
  });

  it('grows in any steps to the same blocks, and never over its maximum', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 300 }), { maxLength: 6 }), (steps) => {
        const { heap, thread } = makeSupply(0);
        for (const pages of steps) growSupply(thread, pages);
        const limit = Math.min(
          PAGES_MAX,
          steps.reduce((sum, pages) => sum + pages, 0),
        );
        expect(supplyCounts(thread)).toEqual({ free: limit, limit });
        expect(freeBlocks(heap)).toEqual(freeBlocks(makeSupply(limit).heap));
      }),
    );
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'does not grow by %d pages, and nothing changes (X9)',
    (pages) => {
      const { heap, thread } = makeSupply(3);
      const before = snapshot(heap);
      expect(() => growSupply(thread, pages)).toThrow(
        expect.objectContaining({ name: 'UsageError', code: 'bad-pages' }),
      );
      checkUnchanged(heap, before);
    },
  );

  it('hands out nothing when it has nothing of that size, and nothing changes', () => {
    const { heap, thread } = makeSupply(3);
    expect(takePages(thread, 2)).toBe(null);
    expect([takePages(thread, 0), takePages(thread, 0), takePages(thread, 0)].sort()).toEqual([
      0, 1, 2,
    ]);
    expect(takePages(thread, 0)).toBe(null);
    expect(supplyCounts(thread)).toEqual({ free: 0, limit: 3 });
    returnPages(thread, 1 as Pfn, retireNothing);
    expect(takePages(thread, 0)).toBe(1);
    expect(checkSupply(heap, [])).toHaveLength(3);
  });

  it('retires a block under its lock, before anybody can take the block again', () => {
    const { heap, thread } = makeSupply(8);
    const pfn = takePages(thread, 1) as Pfn;
    const seen: number[] = [];
    returnPages(thread, pfn, (_, ptdesc) => {
      seen.push(heap.mem.peek(at(ptdesc, PTDESC.BLOCK)));
      seen.push(heap.mem.peek(headerWord(HEAP.SUPPLY_LOCK)));
      expect(ptdesc).toBe(ptdescOf(heap, pfn));
    });
    expect(seen).toEqual([-2, thread.id + 1]);
  });
});

const LIMIT_PAGES = headerWord(HEAP.LIMIT_PAGES);

const block = (heap: Heap, pfn: number): Word => at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK);
const link = (heap: Heap, pfn: number): Word => at(ptdescOf(heap, pfn as Pfn), PTDESC.LINK);

/** Damage to a supply of 16 pages of which 4 and 5 are out, each alone; what the check says. */
const DAMAGE: readonly [rule: string, says: string, plant: (heap: Heap) => void][] = [
  ['S1', 'page 4 is in no block', (heap) => heap.mem.poke(block(heap, 4), 0)],
  ['S1', 'page 8 is in no block', (heap) => heap.mem.poke(block(heap, 8), 0)],
  ['S1', 'page 9 is in two blocks', (heap) => heap.mem.poke(block(heap, 9), 1)],
  ['S1', 'page 5 is in two blocks', (heap) => heap.mem.poke(block(heap, 4), -3)],
  ['S1', 'page 5 begins a block of order 2', (heap) => heap.mem.poke(block(heap, 5), -3)],
  ['S1', 'page 8 begins a block of order 3', (heap) => heap.mem.poke(LIMIT_PAGES, 15)],
  ['S1', 'page 4 begins a block of order 31', (heap) => heap.mem.poke(block(heap, 4), 32)],
  ['S1', 'page 4 begins a block of order 9', (heap) => heap.mem.poke(block(heap, 4), -10)],
  ['S1', 'page 8 begins a block of order 4', (heap) => heap.mem.poke(block(heap, 8), 5)],
  [
    'S1',
    'free buddies 8 and 12 are two blocks',
    (heap) => {
      heap.mem.poke(block(heap, 8), 3);
      heap.mem.poke(block(heap, 12), 3);
      listDelete(heap.mem, link(heap, 8));
      for (const pfn of [8, 12]) listAdd(heap.mem, freeListOf(2), link(heap, pfn));
    },
  ],
  ['S2', 'counted are 15', (heap) => heap.mem.poke(headerWord(HEAP.FREE_PAGES), 15)],
  ['S2', 'blocks are free, listed are', (heap) => listDelete(heap.mem, link(heap, 8))],
  ['S2', 'page 4 is on free list 0', (heap) => listAdd(heap.mem, freeListOf(0), link(heap, 4))],
  [
    'S2',
    'page 8 is on free list 2',
    (heap) => {
      listDelete(heap.mem, link(heap, 8));
      listAdd(heap.mem, freeListOf(2), link(heap, 8));
    },
  ],
  ['S2', 'does not point back', (heap) => heap.mem.poke(at(link(heap, 8), 1), 0)],
  ['S2', 'page 8 is on free list 3', (heap) => heap.mem.poke(block(heap, 8), -4)],
];

describe('damage to the supply', () => {
  it.each(DAMAGE)('%s is found: %s', (rule, says, plant) => {
    const { heap, thread } = makeSupply(16, 16);
    const taken = Array.from({ length: 6 }, () => takePages(thread, 0) as Pfn);
    for (const pfn of taken.slice(0, 4)) returnPages(thread, pfn, retireNothing);
    expect(checkSupply(heap, []).map(({ pfn }) => pfn)).toEqual([4, 5]);
    plant(heap);
    const found: Violation[] = [];
    checkSupply(heap, found);
    expect(found.map((violation) => violation.rule)).toContain(rule);
    expect(found.map((violation) => violation.detail).join('\n')).toContain(says);
  });
});
