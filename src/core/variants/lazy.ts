/**
 * Variant Y, lazy: a page is on its owner's list exactly while it has some F, and a free is one
 * compare-and-swap: no lock, no read section, nothing of the mm but its count of tables.
 *
 * A page whose last A was freed stays listed, and alloc may take an F of it while its other
 * fragments wait: it is rescued for nothing. In return the callback that finds a page all F must
 * take it off the list, and decide under the lock whether it is still all F; and destroying an mm
 * must empty its list, for the owner's record would be gone when the callback comes. From "HOLDER
 * not 0 inside my section" follows that the record outlives the section, as in A from "some A".
 *
 * One state word only: with several a free would touch PENDING after its compare-and-swap.
 */
import type { FragIndex, KindId, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { callbackTable, PAGE_CALLBACK } from '../frag/callback-table.js';
import { mmCallback, partialList, tablesWord } from '../frag/mm.js';
import { slotOf, tableAt } from '../frag/ptdesc.js';
import { bitsOfC } from '../frag/state.js';
import { mmRecord, pfnOfAddress, pfnOfPtdesc, ptdescOf, type Thread } from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import { listDelete, listFirst } from '../mem/list.js';
import { acquire, release } from '../mem/lock.js';
import { returnPages } from '../mem/supply.js';
import { type CallbackTable, callRcu, HEAD_IDLE } from '../rcu/callback.js';
import { relist } from './eager.js';
import { endMm, findTable, kindOfPage, retirePage } from './free.js';
import { freeSlot, hasA, isAllFree, ripenWord, wordAt } from './words.js';

export { allocTable } from './alloc.js';

const { HOLDER, OWNER, RCU } = PTDESC;

/** As frag/free.ts freeTable, without joining. */
export function freeTable(thread: Thread, mm: MmId, table: Word): void {
  const { heap, mem } = thread;
  const { ptdesc, index } = findTable(thread, mm, table);
  const before = freeSlot(mem, wordAt(ptdesc, 0), slotOf(index));
  // With a C found the page is not ours to touch any more: its callback may return it.
  if (bitsOfC(before) === 0) callRcu(thread, at(ptdesc, RCU), PAGE_CALLBACK);
  mem.add(tablesWord(mmRecord(heap, mm)), -1);
}

/** Runs for a page whose grace period is over. Context: inside a read section. */
function pageCallback(thread: Thread, head: Word): void {
  const { mem } = thread;
  const ptdesc = at(head, 0 - RCU);
  const { perPage } = kindOfPage(thread, ptdesc).kind;
  // Still ours alone: the next free that finds no C queues it.
  mem.poke(head, HEAD_IDLE);
  const after = ripenWord(mem, wordAt(ptdesc, 0));
  if (isAllFree(after, 0, perPage)) {
    returnUnlessRescued(thread, ptdesc);
    return;
  }
  if (bitsOfC(after) !== 0) callRcu(thread, head, PAGE_CALLBACK);
  if (hasA(after, 0, perPage) && mem.load(at(ptdesc, HOLDER)) === 0) relist(thread, ptdesc);
}

/** The page was all F a moment ago; alloc may be taking from it. */
function returnUnlessRescued(thread: Thread, ptdesc: Word): void {
  const { heap, mem } = thread;
  const pfn = pfnOfPtdesc(heap, ptdesc);
  const { kind } = kindOfPage(thread, ptdesc);
  const word = wordAt(ptdesc, 0);
  if (mem.load(at(ptdesc, HOLDER)) === 0) {
    // On no list: if it is still all F it was all the time, else alloc is about to list it.
    if (!isAllFree(mem.load(word), 0, kind.perPage)) return;
    returnPages(thread, pfn, retirePage);
    return;
  }
  const owner = mem.load(at(ptdesc, OWNER)) as Word;
  acquire(thread, owner);
  const rescued = !isAllFree(mem.load(word), 0, kind.perPage);
  const holder = mem.load(at(ptdesc, HOLDER));
  // 0: destroyMm was here first.
  if (!rescued && holder !== 0) {
    listDelete(mem, tableAt(heap, pfn, kind, (holder - 1) as FragIndex));
    mem.store(at(ptdesc, HOLDER), 0);
  }
  release(thread, owner);
  if (!rescued) returnPages(thread, pfn, retirePage);
}

/** As frag/mm.ts destroyMm; takes what drains off the lists. */
export function destroyMm(thread: Thread, mm: MmId): void {
  const { heap } = thread;
  endMm(thread, mm, (owner) => {
    for (let kind = 0; kind < heap.kinds.length; kind++) {
      emptyList(thread, partialList(owner, kind as KindId));
    }
  });
}

/** Context: owner's lock held. */
function emptyList({ heap, mem }: Thread, list: Word): void {
  for (let node = listFirst(mem, list); node !== 0; node = listFirst(mem, list)) {
    const ptdesc = ptdescOf(heap, pfnOfAddress(heap, node));
    // In this order: a callback that finds HOLDER at 0 returns the page without the lock.
    listDelete(mem, node);
    mem.store(at(ptdesc, HOLDER), 0);
  }
}

export const CALLBACKS: CallbackTable = callbackTable({ page: pageCallback, mm: mmCallback });
