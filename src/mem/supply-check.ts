/**
 * The supply's part of the whole-heap check: S1 and S2 of supply.ts, and that every page below
 * the limit is in exactly one block. Context: no operation is under way on any thread.
 */
import type { Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, headerWord, pfnOfPtdesc, ptdescOf } from './heap.js';
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
  const limit = heap.mem.peek(headerWord(HEAP.LIMIT_PAGES));
  const free = new Map<Pfn, number>();
  const out: OutBlock[] = [];
  let freePages = 0;
  let pfn = 0;
  while (pfn < limit) {
    const block = heap.mem.peek(at(ptdescOf(heap, pfn as Pfn), PTDESC.BLOCK));
    if (block === 0) {
      found.push({ rule: 'S1', detail: `page ${pfn} is in no block` });
      pfn++;
      continue;
    }
    const order = Math.abs(block) - 1;
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
    for (const link of walkList(heap, freeListOf(order), heap.pagesMax, found)) {
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

/** The nodes of a list, its back links checked; stops after `max` nodes, so a cycle ends. */
export function walkList(heap: Heap, head: Word, max: number, found: Violation[]): Word[] {
  const nodes: Word[] = [];
  let previous = head;
  let node = listNext(heap.mem, head, head);
  while (node !== null && nodes.length <= max) {
    if (listPrevious(heap.mem, node) !== previous) {
      found.push({ rule: 'P4', detail: `list at ${head}: node ${node} does not point back` });
      return nodes;
    }
    nodes.push(node);
    previous = node;
    node = listNext(heap.mem, head, node);
  }
  if (node !== null) found.push({ rule: 'P4', detail: `list at ${head} has no end` });
  return nodes;
}
