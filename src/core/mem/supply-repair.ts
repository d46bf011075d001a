/**
 * The supply after a thread has died inside of it, or with a block in its hand.
 *
 * BLOCK of all pages is the truth: a page is out where a block that is out has it, and free
 * otherwise. The free lists, their merging and FREE_PAGES follow from that, so they are made anew,
 * whatever the dead thread had half done. What it had in its hand nobody else knows of: a block
 * that it was taking, or was returning, becomes free.
 *
 * Whoever does this acts as the dead thread, whose number the lock has: if it dies too, the next
 * one finds the same, and begins again.
 */
import type { Pfn } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, pagesLimit, ptdescOf, type Thread } from './heap.js';
import { ORDERS, PTDESC, RCU_HEAD, THREAD } from './layout.js';
import { listInit } from './list.js';
import { acquireWithin, breakRule, release, threadInside } from './lock.js';
import { addFree, emptyHand, FREE_PAGES, forBlocks, freeListOf, SUPPLY_LOCK } from './supply.js';

/**
 * Puts the supply in order that a dead thread left, and lets go of its lock there. False: another
 * thread has the lock for longer than `dead` waits. Context: `dead` makes no step any more, nobody
 * else recovers what it left, and the owners' locks that it held are still its own.
 */
export function repairSupply(dead: Thread): boolean {
  const { mem, record, id, lockWaits } = dead;
  const hand = mem.peek(at(record, THREAD.HAND));
  const isInside = threadInside(mem.load(SUPPLY_LOCK)) === id;
  if (hand === 0 && !isInside) return true;
  if (!isInside && !acquireWithin(dead, SUPPLY_LOCK, lockWaits.stallMs)) return false;
  if (hand !== 0) giveBack(dead, (Math.abs(hand) - 1) as Pfn);
  remakeLists(dead);
  // Only now: who recovers what this recovery leaves must come by here.
  emptyHand(dead);
  release(dead, SUPPLY_LOCK);
  return true;
}

/**
 * Frees the block in the dead thread's hand, unless it is free again. An owner may have it already,
 * under whose lock the thread died: then nobody else has seen it.
 */
function giveBack({ heap, mem }: Thread, pfn: Pfn): void {
  const ptdesc = ptdescOf(heap, pfn);
  const block = at(ptdesc, PTDESC.BLOCK);
  if (mem.peek(block) >= 0) return;
  // As a block in the supply must be: see `retirePage` of frag/callback.ts.
  mem.store(at(ptdesc, PTDESC.OWNER), 0);
  mem.poke(at(ptdesc, PTDESC.RCU + RCU_HEAD.WAITS_FOR), 0);
  mem.poke(block, 0);
}

/** Makes the free lists anew, of all pages that are not out. O(pages). */
function remakeLists({ heap, mem }: Thread): void {
  for (let order = 0; order < ORDERS; order++) listInit(mem, freeListOf(order));
  const limit = pagesLimit(heap);
  let freePages = 0;
  for (let from = 0; from < limit; ) {
    const end = endOfFree(heap, from, limit);
    forBlocks(from, end, (pfn, order) => addFree(heap, pfn, order));
    freePages += end - from;
    from = end === limit ? limit : end + pagesOut(heap, end);
  }
  mem.poke(FREE_PAGES, freePages);
}

/** The first page from `from` on that is out, or the limit; none before it is a block's first. */
function endOfFree(heap: Heap, from: number, limit: number): number {
  const { mem } = heap;
  let pfn = from;
  for (; pfn < limit; pfn++) {
    const word = at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK);
    const block = mem.peek(word);
    if (block < 0) break;
    if (block !== 0) mem.poke(word, 0);
  }
  return pfn;
}

/** Pages of the block that is out from `pfn` on. */
function pagesOut(heap: Heap, pfn: number): number {
  const order = -heap.mem.peek(at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK)) - 1;
  if (order >= ORDERS) breakRule(heap, 12, `page ${pfn} is out, in no block that there can be`);
  return 1 << order;
}
