/**
 * The page supply: a buddy allocator over the page area, blocks of 2^0 to 2^8 pages.
 *
 * A block is described at its first page: BLOCK is order + 1 while it is free, -(order + 1) while
 * it is out, 0 for every other page of it. Two free blocks of one order that make up an aligned
 * block of the next are never both on a list: they are one block (S1). Free blocks are on the list
 * of their order, through LINK (S2).
 *
 * A block is out from one store on, that of BLOCK by whoever takes it, and free from one store on,
 * that of BLOCK by whoever returns it. All else follows from BLOCK, so whatever a thread leaves
 * that dies under the lock can be made anew (supply-repair.ts). HAND of its record names the block
 * that it has in its hand meanwhile: nobody else knows of it.
 *
 * SUPPLY_LOCK protects BLOCK and LINK of all ptdescs, the lists, FREE_PAGES and LIMIT_PAGES. It
 * protects nothing else of a page: what is out belongs to who took it. No lock nests inside it.
 */
import { UsageError } from '../base/errors.js';
import type { Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, headerWord, pagesLimit, pfnOfPtdesc, ptdescOf, type Thread } from './heap.js';
import { HEAP, ORDERS, PTDESC, THREAD } from './layout.js';
import { listAdd, listDelete, listFirst } from './list.js';
import { acquire, acquireWithin, breakRule, lockStalled, release } from './lock.js';

export const SUPPLY_LOCK: Word = headerWord(HEAP.SUPPLY_LOCK);
export const FREE_PAGES: Word = headerWord(HEAP.FREE_PAGES);
const LIMIT_PAGES = headerWord(HEAP.LIMIT_PAGES);
const BLOCKS_TAKEN = headerWord(HEAP.BLOCKS_TAKEN);

/** Head of the list of free blocks of 2^order pages. */
export function freeListOf(order: number): Word {
  return headerWord(HEAP.FREE + 2 * order);
}

/** Takes a block of 2^order pages, or null. Its memory is as its last user left it. */
export function takePages(thread: Thread, order: number): Pfn | null {
  acquire(thread, SUPPLY_LOCK);
  const pfn = takeBlock(thread, order);
  release(thread, SUPPLY_LOCK);
  return pfn;
}

function takeBlock({ heap, mem, record }: Thread, order: number): Pfn | null {
  for (let from = order; from < ORDERS; from++) {
    const link = listFirst(mem, freeListOf(from));
    if (link === 0) continue;
    const pfn = pfnOfPtdesc(heap, link);
    const block = heap.mem.peek(at(ptdescOf(heap, pfn), PTDESC.BLOCK));
    if (block !== from + 1) breakRule(heap, 12, `page ${pfn} is on free list ${from}, wrongly`);
    listDelete(mem, link);
    // The upper halves go back until the block has the size that was asked for.
    for (let half = from - 1; half >= order; half--) {
      addFree(heap, (pfn + (1 << half)) as Pfn, half);
    }
    // In this order: a block that is out, and in nobody's hand, would be lost with its taker.
    mem.poke(at(record, THREAD.HAND), pfn + 1);
    mem.poke(at(ptdescOf(heap, pfn), PTDESC.BLOCK), -(order + 1));
    mem.poke(FREE_PAGES, mem.peek(FREE_PAGES) - (1 << order));
    mem.poke(BLOCKS_TAKEN, mem.peek(BLOCKS_TAKEN) + 1);
    return pfn;
  }
  return null;
}

/** Says that others know the block that this thread has taken: it is not in its hand alone. */
export function emptyHand({ mem, record }: Thread): void {
  mem.poke(at(record, THREAD.HAND), 0);
}

/** Adds a free block to the list of its order. Context: supply lock held. */
export function addFree(heap: Heap, pfn: Pfn, order: number): void {
  const ptdesc = ptdescOf(heap, pfn);
  heap.mem.poke(at(ptdesc, PTDESC.BLOCK), order + 1);
  listAdd(heap.mem, freeListOf(order), at(ptdesc, PTDESC.LINK));
}

/**
 * Gives a block back. `retire` runs under the supply lock, just before anybody else can take the
 * block: the place for the last store to its ptdesc.
 */
export function returnPages(
  thread: Thread,
  pfn: Pfn,
  retire: (thread: Thread, ptdesc: Word) => void,
): void {
  if (!tryReturnPages(thread, pfn, retire, thread.lockWaits.stallMs)) {
    throw lockStalled(thread, SUPPLY_LOCK);
  }
}

/** The same; false, and nothing has changed, if the supply's lock was held for too long. */
export function tryReturnPages(
  thread: Thread,
  pfn: Pfn,
  retire: (thread: Thread, ptdesc: Word) => void,
  stallMs: number,
): boolean {
  const { heap, mem, record } = thread;
  if (!acquireWithin(thread, SUPPLY_LOCK, stallMs)) return false;
  const ptdesc = ptdescOf(heap, pfn);
  const order = -mem.peek(at(ptdesc, PTDESC.BLOCK)) - 1;
  if (!(order >= 0 && order < ORDERS)) {
    breakRule(heap, 12, `page ${pfn} is returned, which is no block that is out`);
  }
  // From here on whoever recovers what this thread leaves returns the block in its place.
  mem.poke(at(record, THREAD.HAND), -(pfn + 1));
  retire(thread, ptdesc);
  mem.poke(FREE_PAGES, mem.peek(FREE_PAGES) + (1 << order));
  mergeAndAdd(heap, pfn, order);
  // Before the lock is let go of: then the block may be somebody's.
  emptyHand(thread);
  release(thread, SUPPLY_LOCK);
  return true;
}

function mergeAndAdd(heap: Heap, freed: Pfn, freedOrder: number): void {
  const { mem } = heap;
  let pfn = freed;
  let order = freedOrder;
  while (order < ORDERS - 1) {
    const buddy = (pfn ^ (1 << order)) as Pfn;
    // A buddy that is partly out, split, or beyond the limit does not read order + 1 here.
    if (buddy >= heap.pagesMax) break;
    const ptdesc = ptdescOf(heap, buddy);
    if (mem.peek(at(ptdesc, PTDESC.BLOCK)) !== order + 1) break;
    listDelete(mem, at(ptdesc, PTDESC.LINK));
    mem.poke(at(ptdesc, PTDESC.BLOCK), 0);
    mem.poke(at(ptdescOf(heap, pfn), PTDESC.BLOCK), 0);
    pfn = Math.min(pfn, buddy) as Pfn;
    order++;
  }
  addFree(heap, pfn, order);
}

/**
 * Raises the limit by up to `pages`; returns by how many. The memory was reserved at creation.
 * Throws `UsageError` for what is no number of pages.
 */
export function growSupply(thread: Thread, pages: number): number {
  const { heap, mem } = thread;
  if (!Number.isInteger(pages) || pages < 0) {
    throw new UsageError('bad-pages', `grow: ${pages} is not a number of pages`);
  }
  acquire(thread, SUPPLY_LOCK);
  const from = mem.peek(LIMIT_PAGES);
  if (from !== pagesLimit(heap)) breakRule(heap, 12, `LIMIT_PAGES is ${from}`, LIMIT_PAGES);
  const to = Math.min(from + pages, heap.pagesMax);
  // Atomic: whoever recovers what a thread left asks for it without this lock.
  mem.store(LIMIT_PAGES, to);
  mem.poke(FREE_PAGES, mem.peek(FREE_PAGES) + to - from);
  forBlocks(from, to, (pfn, order) => mergeAndAdd(heap, pfn, order));
  release(thread, SUPPLY_LOCK);
  return to - from;
}

/** Cuts pages into blocks that are as large as they can be, each at a multiple of its size. */
export function forBlocks(from: number, to: number, use: (pfn: Pfn, order: number) => void): void {
  for (let pfn = from; pfn < to; ) {
    let order = 0;
    while (order < ORDERS - 1 && pfn % (2 << order) === 0 && pfn + (2 << order) <= to) order++;
    use(pfn as Pfn, order);
    pfn += 1 << order;
  }
}

/** Pages in the supply now and pages it can hand out in all. */
export function supplyCounts(thread: Thread): { readonly free: number; readonly limit: number } {
  const { mem } = thread;
  acquire(thread, SUPPLY_LOCK);
  const counts = { free: mem.peek(FREE_PAGES), limit: mem.peek(LIMIT_PAGES) };
  release(thread, SUPPLY_LOCK);
  return counts;
}
