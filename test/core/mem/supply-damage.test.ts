/** A supply whose words were damaged: whoever comes upon it stops, and says so (P12). */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type Pfn, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, ptdescOf, type Thread } from '#src/core/mem/heap.js';
import { HEAP, ORDERS, PTDESC } from '#src/core/mem/layout.js';
import { freeListOf, growSupply, returnPages, takePages } from '#src/core/mem/supply.js';
import { kindOf, makeHeap } from '../../support/heap.js';

const LIMIT_PAGES = headerWord(HEAP.LIMIT_PAGES);

describe('a damaged supply', () => {
  let heap: Heap;
  let thread: Thread;

  beforeEach(() => {
    ({ heap, thread } = makeHeap({ kinds: [kindOf(1)], pagesMax: 8, pages: 6 }));
  });

  const blockOf = (pfn: number): Word => at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK);

  function expectTold(act: () => unknown, message: string): void {
    expect(act).toThrow(expect.objectContaining({ name: 'InvariantError', rule: 'P12' }));
    expect(heap.mem.load(headerWord(HEAP.BROKEN))).toBe(12);
    expect(heap.mem.load(headerWord(HEAP.SUPPLY_LOCK))).toBe(thread.id + 1);
    heap.mem.store(headerWord(HEAP.SUPPLY_LOCK), 0);
    expect(act).toThrow(message);
  }

  it.each([0, 1, 2, 4, -3])('has a listed block of which BLOCK is %d, and hands out none', (is) => {
    // Pages 0 to 3 are one block, of order 2.
    heap.mem.poke(blockOf(0), is);
    expectTold(() => takePages(thread, 2), 'page 0 is on free list 2, wrongly');
  });

  it.each([0, 1, ORDERS, -ORDERS - 1])('takes back none of which BLOCK is %d', (is) => {
    expect(takePages(thread, 0)).toBe(4);
    heap.mem.poke(blockOf(4), is);
    let retired = 0;
    const gives = (): void => returnPages(thread, 4 as Pfn, () => retired++);
    expectTold(gives, 'page 4 is returned, which is no block that is out');
    expect(retired).toBe(0);
  });

  it.each([-1, 9])('does not grow where its limit is %d', (is) => {
    heap.mem.poke(LIMIT_PAGES, is);
    expectTold(() => growSupply(thread, 1), `LIMIT_PAGES is ${is}`);
  });

  it('has as many lists as there are orders, and no page behind them', () => {
    expect([takePages(thread, 2), takePages(thread, 1)]).toEqual([0, 4]);
    heap.mem.poke(freeListOf(ORDERS), at(ptdescOf(heap, 0 as Pfn), PTDESC.LINK));
    expect(takePages(thread, 0)).toBe(null);
  });

  it('grows to its maximum, looks at no page beyond, and counts what it hands out', () => {
    const taken = headerWord(HEAP.BLOCKS_TAKEN);
    // As if a page behind the last were free: the words belong to something else.
    heap.mem.poke(blockOf(8), 4);
    expect(growSupply(thread, 9)).toBe(2);
    expect([heap.mem.peek(blockOf(0)), heap.mem.peek(blockOf(8))]).toEqual([4, 4]);
    const before = heap.mem.peek(taken);
    expect([takePages(thread, 3), takePages(thread, 0)]).toEqual([0, null]);
    expect(heap.mem.peek(taken)).toBe(before + 1);
    returnPages(thread, 0 as Pfn, () => undefined);
    expect([heap.mem.peek(blockOf(0)), heap.mem.peek(blockOf(8))]).toEqual([4, 4]);
  });
});
