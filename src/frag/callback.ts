/**
 * The page's callback: what the end of a grace period does to a page.
 *
 * C becomes F and N becomes C. All F: the page is returned. Else, with some A, the page goes on its
 * owner's list if it is not there; with some C, the head is queued again.
 *
 * With some A the owner's lock is needed, and may be taken, by the rule of ptdesc.ts (P5): inside
 * our read section the mm's record cannot be freed. Without A the page is ours alone: it is on no
 * list, and nobody can allocate from it or free into it.
 *
 * The callback may find that the last A was freed while it waited for the lock. It goes on under
 * the lock all the same; then, too, the page can turn out all F.
 */
import type { FragIndex, KindId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, type HeapKind, pfnOfPtdesc, type Thread } from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import { listAdd } from '../mem/list.js';
import { acquire, breakRule, release } from '../mem/lock.js';
import type { Memory } from '../mem/memory.js';
import { returnPages } from '../mem/supply.js';
import { type CallbackTable, callRcu, HEAD_IDLE } from '../rcu/callback.js';
import { PAGE_CALLBACK } from './free.js';
import { mmCallback, partialList } from './mm.js';
import { findFree, stateWordOf, tableAt } from './ptdesc.js';
import { allFree, hasC, PER_WORD, ripen } from './state.js';

const { OWNER, KIND, HOLDER, ALLOCATED, RCU } = PTDESC;

/** What a page looks like after its states ripened. */
const ALL_FREE = 0;
const SOME_C = 1;
const NO_C = 2;

/**
 * Runs for a page whose head's grace period is over. Blocks on the owner's lock if some A is left.
 * Context: inside a read section, which P5 needs.
 */
export function pageCallback(thread: Thread, head: Word): void {
  const { heap, mem } = thread;
  const ptdesc = (head - RCU) as Word;
  // OBSERVE(last-free): negative means that the last free's accesses to the page are done.
  const owner = mem.load((ptdesc + OWNER) as Word) as Word;
  const locked = owner > 0;
  if (locked) acquire(thread, owner);
  const kindId = mem.peek((ptdesc + KIND) as Word) as KindId;
  const kind = heap.kinds[kindId] as HeapKind;
  const outcome = ripenPage(mem, ptdesc, kind.perPage);
  if (outcome === ALL_FREE) {
    if (locked) release(thread, owner);
    returnPages(thread, pfnOfPtdesc(heap, ptdesc), retirePage);
    return;
  }
  if (locked && mem.peek((ptdesc + HOLDER) as Word) === 0) {
    relist(heap, mem, ptdesc, kind, partialList(owner, kindId));
  }
  // The last access to the page: from here on its head is idle, or somebody else may run it.
  if (outcome === SOME_C) callRcu(thread, head, PAGE_CALLBACK);
  else mem.poke(head, HEAD_IDLE);
  if (locked) release(thread, owner);
}

/** C to F and N to C in all words. Context: owner's lock held, or no A. */
function ripenPage(mem: Memory, ptdesc: Word, perPage: number): number {
  let free = true;
  let waiting = false;
  for (let first = 0; first < perPage; first += PER_WORD) {
    const word = stateWordOf(ptdesc, first as FragIndex);
    const after = ripen(mem.peek(word));
    mem.poke(word, after);
    free = free && after === allFree(perPage - first);
    waiting = waiting || hasC(after);
  }
  if (free) return ALL_FREE;
  return waiting ? SOME_C : NO_C;
}

/** Lists an unlisted page if it has an A and an F (P4). Context: owner's lock held. */
function relist(heap: Heap, mem: Memory, ptdesc: Word, kind: HeapKind, list: Word): void {
  if (mem.peek((ptdesc + ALLOCATED) as Word) === 0) return;
  const index = findFree(mem, ptdesc, kind.perPage, -1) as FragIndex;
  if (index < 0) return;
  // P2: the fragment is F, so its grace period is over: no reader is in it, and the node may
  // be written (H3).
  listAdd(mem, list, tableAt(heap, pfnOfPtdesc(heap, ptdesc), kind, index));
  mem.poke((ptdesc + HOLDER) as Word, index + 1);
}

/** The last stores to a page that is all F. Context: supply lock held, nobody else has the page. */
function retirePage(heap: Heap, ptdesc: Word): void {
  const { mem } = heap;
  if (mem.peek(at(ptdesc, HOLDER)) !== 0 || mem.peek(at(ptdesc, ALLOCATED)) !== 0) {
    const pfn = pfnOfPtdesc(heap, ptdesc);
    breakRule(heap, 3, `page ${pfn} is returned with an A or while on a list`);
  }
  mem.store(at(ptdesc, OWNER), 0);
  mem.poke(at(ptdesc, RCU), HEAD_IDLE);
}

/** The callbacks of a heap, by the KIND of an rcu head. */
export const CALLBACKS: CallbackTable = [pageCallback, mmCallback];
