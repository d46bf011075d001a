/** Numbers that are read in a heap: what is one, and what counts in its place where it is none. */
import { describe, expect, it } from 'vitest';
import { at } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import {
  headerWord,
  isThread,
  mmOfRecord,
  mmRecord,
  mmsHigh,
  pagesLimit,
  threadsHigh,
} from '#src/core/mem/heap.js';
import { HEAP, MM } from '#src/core/mem/layout.js';
import { kindOf, makeHeap } from '../../support/heap.js';

const THREADS_HIGH = headerWord(HEAP.THREADS_HIGH);
const MM_HIGH = headerWord(HEAP.MM_HIGH);
const LIMIT_PAGES = headerWord(HEAP.LIMIT_PAGES);

describe('a number in a heap', () => {
  it.each([
    [THREADS_HIGH, threadsHigh, 8],
    [MM_HIGH, mmsHigh, 9],
    [LIMIT_PAGES, pagesLimit, 32],
  ])('at word %d counts as the greatest that can be where it can not be', (word, read, most) => {
    const { heap, mem } = makeHeap();
    for (const value of [0, 1, most - 1, most]) {
      mem.store(word, value);
      expect(read(heap)).toBe(value);
    }
    for (const value of [most + 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      mem.store(word, value);
      expect(read(heap)).toBe(most);
    }
  });

  it('is that of a thread where a thread can have it', () => {
    const { heap } = makeHeap({ threadsMax: 3 });
    const are = [-1, 0, 1, 2, 3].filter((thread) => isThread(heap, thread));
    expect(are).toEqual([0, 1, 2]);
  });

  it.each([
    [2, 1],
    [3, 3],
    [4, 3],
    [5, 7],
    [256, 255],
    [257, 511],
  ])('of an mm has its record of %d in as many bits as %d has', (mmsMax, mask) => {
    const { heap, thread } = makeHeap({ mmsMax });
    expect(heap.mmMask).toBe(mask);
    const mm = createMm(thread);
    expect(mmOfRecord(heap, mmRecord(heap, mm))).toBe(mm);
    heap.mem.store(at(mmRecord(heap, mm), MM.LIFE), -(mm + mask + 1));
    expect(mmOfRecord(heap, mmRecord(heap, mm))).toBe(mm + mask + 1);
  });
});

describe('a kind', () => {
  it.each([
    [{}, false],
    [{ residueEven: 1 }, true],
    [{ residueOdd: 1 }, true],
    [{ entryWords: 2 }, true],
  ])('may have something in an empty table: %o', (more, has) => {
    const { heap } = makeHeap({ kinds: [kindOf(4, 4, more)] });
    expect(heap.kinds[0]?.hasResidue).toBe(has);
  });
});
