/**
 * The supply's part of the whole-heap check: S1 and S2 of supply.ts, and that every page below
 * the limit is in exactly one block. Context: no operation is under way on any thread.
 */
import type { Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, headerWord, pagesLimit, pfnOfPtdesc, ptdescOf } from './heap.js';
import { HEAP, ORDERS, PTDESC } from './layout.js';
import { listNext, listPrevious } from './list.js';
import { freeListOf } from './supply.js';

/** A rule that does not hold, and where. */
export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

/** A block that is out of the supply. */
export interface OutBlock {
  readonly pfn: Pfn;
  readonly order: number;
}

/** Checks the supply; returns the blocks that are out, for the caller to account for. */
export function checkSupply(heap: Heap, found: Violation[]): OutBlock[] {
  const limit = pagesLimit(heap);
  const free = new Map<Pfn, number>();
  const out: OutBlock[] = [];
  let freePages = 0;
  let pfn = 0;
  while (pfn < limit) {
    const block = blockAt(heap, pfn);
    const order = Math.abs(block) - 1;
    const misfit = describeMisfit(heap, pfn, order, limit);
    if (misfit !== null) {
      found.push({ rule: 'S1', detail: misfit });
      pfn++;
      continue;
    }
    if (block < 0) out.push({ pfn: pfn as Pfn, order });
    else {
      free.set(pfn as Pfn, order);
      freePages += 1 << order;
    }
    pfn += 1 << order;
  }
  checkMerged(free, found);
  checkFreeLists(heap, free, found);
  const counted = heap.mem.peek(headerWord(HEAP.FREE_PAGES));
  if (counted !== freePages) {
    found.push({ rule: 'S2', detail: `${freePages} pages are free, counted are ${counted}` });
  }
  return out;
}

function blockAt(heap: Heap, pfn: number): number {
  return heap.mem.peek(at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK));
}

/** Why there can't be a block of 2^order pages at `pfn`; null if there can. */
function describeMisfit(heap: Heap, pfn: number, order: number, limit: number): string | null {
  if (order < 0) return `page ${pfn} is in no block`;
  const end = pfn + (1 << order);
  if (order >= ORDERS || pfn % (1 << order) !== 0 || end > limit) {
    return `page ${pfn} begins a block of order ${order}, which does not fit there`;
  }
  for (let tail = pfn + 1; tail < end; tail++) {
    if (blockAt(heap, tail) !== 0) return `page ${tail} is in two blocks`;
  }
  return null;
}

function checkMerged(free: ReadonlyMap<Pfn, number>, found: Violation[]): void {
  for (const [pfn, order] of free) {
    const buddy = (pfn ^ (1 << order)) as Pfn;
    if (order < ORDERS - 1 && pfn < buddy && free.get(buddy) === order) {
      found.push({ rule: 'S1', detail: `free buddies ${pfn} and ${buddy} are two blocks` });
    }
  }
}

function checkFreeLists(heap: Heap, free: ReadonlyMap<Pfn, number>, found: Violation[]): void {
  let listed = 0;
  for (let order = 0; order < ORDERS; order++) {
    for (const link of walkList(heap, freeListOf(order), 'S2', found)) {
      listed++;
      const pfn = pfnOfPtdesc(heap, link);
      if (free.get(pfn) !== order) {
        found.push({ rule: 'S2', detail: `page ${pfn} is on free list ${order}, wrongly` });
      }
    }
  }
  if (listed !== free.size) {
    found.push({ rule: 'S2', detail: `${free.size} blocks are free, listed are ${listed}` });
  }
}

/**
 * The nodes of a list whose soundness is part of `rule`, its back links checked. A list has a node
 * for each page at most, so a cycle ends.
 */
export function walkList(heap: Heap, head: Word, rule: string, found: Violation[]): Word[] {
  const max = heap.pagesMax;
  const nodes: Word[] = [];
  let previous = head;
  let node = listNext(heap.mem, head, head);
  while (node !== null && nodes.length <= max) {
    if (listPrevious(heap.mem, node) !== previous) {
      found.push({ rule, detail: `list at ${head}: node ${node} does not point back` });
      return nodes;
    }
    nodes.push(node);
    previous = node;
    node = listNext(heap.mem, head, node);
  }
  if (node !== null) found.push({ rule, detail: `list at ${head} has no end` });
  else if (listPrevious(heap.mem, head) !== previous) {
    found.push({ rule, detail: `list at ${head}: its head does not point back` });
  }
  return nodes;
}
