/**
 * Why nothing is left: what is in use, what only waits for a grace period, and whom that waits for.
 * For messages and for programs that decide what to do; nothing is locked, so each number is as of
 * some moment of the look.
 */
import { OutOfPagesError, type Scattered, type Shortage } from '../base/errors.js';
import type { Pfn } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, mmRecordAt, mmsHigh, pagesLimit, ptdescOf, type Thread } from '../mem/heap.js';
import { MM, ORDERS, PTDESC, RCU_HEAD } from '../mem/layout.js';
import { heldUpGrace } from '../rcu/held-up.js';
import { isReading } from '../rcu/reader.js';
import { throwNoMm } from './mm.js';

interface Counts {
  readonly live: number;
  readonly pending: number;
}

/** The error for `what`, for which no page was left. O(pages of the heap). */
export function outOfPages(heap: Heap, what: string, reading = false): OutOfPagesError {
  const limit = pagesLimit(heap);
  const counts = countPages(heap, limit);
  return new OutOfPagesError(
    what,
    limit,
    shortageOf(heap, counts, reading),
    scatteredOf(heap, counts),
  );
}

/**
 * Where pages are free it was a table of several pages that found none: of the least size, among
 * the heap's kinds, for which no block is long enough. Null: no page is free, or one came back.
 */
function scatteredOf({ kinds }: Heap, { free, longest }: PageCounts): Scattered | null {
  const sizes = kinds.map(({ order }) => 2 ** order).filter((pages) => pages > longest);
  return free === 0 || sizes.length === 0 ? null : { free, needed: Math.min(...sizes) };
}

/** Throws that no record for an mm was left. O(records). */
export function throwOutOfMms(thread: Thread): never {
  const { heap } = thread;
  return throwNoMm(heap, shortageOf(heap, countMms(heap), isReading(thread)));
}

function shortageOf(heap: Heap, { live, pending }: Counts, reading: boolean): Shortage {
  const blocker = pending === 0 ? null : heldUpGrace(heap);
  return { live, pending, blocker, isReading: reading };
}

interface PageCounts extends Counts {
  readonly free: number;
  /** Pages of the longest block that is free. */
  readonly longest: number;
}

/** Pages that have a live table, and pages that have a freed one; some have both. */
function countPages(heap: Heap, limit: number): PageCounts {
  const { mem } = heap;
  let [live, pending, free, longest] = [0, 0, 0, 0];
  for (let pfn = 0; pfn < limit; ) {
    const ptdesc = ptdescOf(heap, pfn as Pfn);
    const block = mem.load(at(ptdesc, PTDESC.BLOCK));
    const order = Math.abs(block) - 1;
    const pages = order >= 0 && order < ORDERS ? 1 << order : 1;
    pfn += pages;
    if (block > 0) {
      free += pages;
      longest = Math.max(longest, pages);
    }
    if (block >= 0) continue;
    if (mem.load(at(ptdesc, PTDESC.ALLOCATED)) !== 0) live += pages;
    if (mem.load(at(ptdesc, PTDESC.RCU + RCU_HEAD.WAITS_FOR)) !== 0) pending += pages;
  }
  return { live, pending, free, longest };
}

function countMms(heap: Heap): Counts {
  const { mem } = heap;
  const high = mmsHigh(heap);
  let [live, pending] = [0, 0];
  for (let index = 1; index < high; index++) {
    const record = mmRecordAt(heap, index);
    if (mem.load(at(record, MM.LIFE)) > 0) live++;
    else if (mem.load(at(record, MM.RCU + RCU_HEAD.WAITS_FOR)) !== 0) pending++;
  }
  return { live, pending };
}
