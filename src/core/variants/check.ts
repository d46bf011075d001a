/** The whole-heap check for variants A and Y, when all callbacks are drained. */
import type { FragIndex, Pfn } from '../base/units.js';
import { at } from '../base/units.js';
import { checkHeap, type HeapCheckOptions, type Violation } from '../frag/check.js';
import { getState } from '../frag/ptdesc.js';
import { A, PER_WORD } from '../frag/state.js';
import { type Heap, headerWord, ptdescOf } from '../mem/heap.js';
import { HEAP, PTDESC } from '../mem/layout.js';

/**
 * As checkHeap. With everything drained a page of a variant looks as one of the core, but for
 * ALLOCATED where there is one word: nobody keeps it, so it is filled in first.
 */
export function checkVariant(heap: Heap, options: HeapCheckOptions): Violation[] {
  const limit = heap.mem.peek(headerWord(HEAP.LIMIT_PAGES));
  for (let pfn = 0; pfn < limit; pfn++) countAllocated(heap, pfn as Pfn);
  return checkHeap(heap, options);
}

function countAllocated(heap: Heap, pfn: Pfn): void {
  const { mem } = heap;
  const ptdesc = ptdescOf(heap, pfn);
  const kind = heap.kinds[mem.peek(at(ptdesc, PTDESC.KIND))];
  if (mem.peek(at(ptdesc, PTDESC.OWNER)) === 0 || kind === undefined) return;
  if (kind.perPage > PER_WORD) return;
  let allocated = 0;
  for (let index = 0; index < kind.perPage; index++) {
    if (getState(mem, ptdesc, index as FragIndex) === A) allocated++;
  }
  mem.poke(at(ptdesc, PTDESC.ALLOCATED), allocated);
}
