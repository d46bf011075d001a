/** What lies at an address: asked of every word of a heap, and of the words around it. */
import { describe, expect, it } from 'vitest';
import type { Pfn, Word } from '#src/core/base/units.js';
import { type Heap, headerWord, mmRecordAt, ptdescOf } from '#src/core/mem/heap.js';
import { HEAP, MM, PTDESC } from '#src/core/mem/layout.js';
import { headsOf, isHead, isLock, isMmRecord } from '#src/core/mem/places.js';
import { makeHeap } from '../../support/heap.js';

/** Every address for which an answer is yes, and what a word that is no address gets. */
function where(heap: Heap, answer: (heap: Heap, address: number) => boolean): number[] {
  const found: number[] = [];
  for (let word = -PTDESC.WORDS; word < heap.words + PTDESC.WORDS; word++) {
    if (answer(heap, word)) found.push(word);
  }
  return found;
}

const inOrder = (words: readonly Word[]): number[] => [...words].sort((a, b) => a - b);

describe('what lies at an address', () => {
  const { heap } = makeHeap({ pagesMax: 3, mmsMax: 4 });
  const records = Array.from({ length: 4 }, (_, index) => mmRecordAt(heap, index));
  const ptdescs = Array.from({ length: 3 }, (_, pfn) => ptdescOf(heap, pfn as Pfn));
  const fieldsOf = (firsts: readonly Word[], field: number): Word[] =>
    firsts.map((first) => (first + field) as Word);

  it('is the record of an mm where one begins, and nowhere else', () => {
    expect(where(heap, isMmRecord)).toEqual(inOrder(records));
  });

  it('is an rcu head in each mm and each page, and nowhere else', () => {
    const heads = [...fieldsOf(records, MM.RCU), ...fieldsOf(ptdescs, PTDESC.RCU)];
    expect(where(heap, isHead)).toEqual(inOrder(heads));
    expect(headsOf(heap)).toBe(heads.length);
  });

  it('is a lock in each mm and each page, or one of the two of the heap, and nowhere else', () => {
    const locks = [
      headerWord(HEAP.SUPPLY_LOCK),
      headerWord(HEAP.MM_TABLE_LOCK),
      ...fieldsOf(records, MM.LOCK),
      ...fieldsOf(ptdescs, PTDESC.LOCK),
    ];
    expect(where(heap, isLock)).toEqual(inOrder(locks));
  });
});
