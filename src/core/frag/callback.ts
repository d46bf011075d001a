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
import type { HeapKind, Thread } from '../mem/heap.js';
import * as heaps from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import * as lists from '../mem/list.js';
import * as locks from '../mem/lock.js';
import { breakRule } from '../mem/lock.js';
import type { Memory } from '../mem/memory.js';
import * as supply from '../mem/supply.js';
import type { CallbackTable } from '../rcu/callback.js';
import * as callbacks from '../rcu/callback.js';
import { callbackTable, PAGE_CALLBACK } from './callback-table.js';
import * as mms from './mm.js';
import { poisonRipe } from './poison.js';
import * as ptdescs from './ptdesc.js';
import * as states from './state.js';

// Consts of this module, as mem/layout.ts says.
const { OWNER, KIND, HOLDER, ALLOCATED, RCU } = PTDESC;
const { pfnOfPtdesc } = heaps;
const { listAdd } = lists;
const { acquireWithin, release } = locks;
const { tryReturnPages } = supply;
const { callbackPatience, callRcu, REFUSED, settle } = callbacks;
const { mmCallback, partialList } = mms;
const { findFree, nodeAt, stateWordOf } = ptdescs;
const { allFree, bitsOfC, PER_WORD, ripen } = states;

/** What a page looks like after its states ripened. */
const ALL_FREE = 0;
const SOME_C = 1;
const NO_C = 2;

/**
 * Runs for a page whose head's grace period is over. Waits for the owner's lock if some A is left,
 * and refuses if it is not let go of.
 * Context: inside a read section, which P5 needs.
 */
function pageCallback(thread: Thread, head: Word): unknown {
  const { heap, mem } = thread;
  const ptdesc = (head - RCU) as Word;
  // OBSERVE(last-free): negative means that the last free's accesses to the page are done.
  const owner = mem.load((ptdesc + OWNER) as Word) as Word;
  if (owner < 0) {
    return ripenPrivate(thread, ptdesc);
  }
  if (owner === 0) return breakRule(heap, 12, 'a page without OWNER has a callback', ptdesc);
  // By our copy: while we wait the last A may be freed, which makes OWNER negative. The record that
  // it names outlives our section all the same.
  if (!acquireWithin(thread, owner, callbackPatience(thread))) return REFUSED;
  const kindId = mem.peek((ptdesc + KIND) as Word) as KindId;
  const kind = heap.kinds[kindId] as HeapKind;
  if (heap.debug) poisonRipe(heap, ptdesc, kind);
  const outcome = ripenPage(mem, ptdesc, kind.perPage);
  if (outcome === ALL_FREE) {
    // The last A went while we waited. Whoever freed it has let go of the lock, so it has taken the
    // page off its list and is done with it: the page is ours alone.
    release(thread, owner);
    return returnPage(thread, ptdesc);
  }
  if (mem.peek((ptdesc + HOLDER) as Word) === 0 && mem.peek((ptdesc + ALLOCATED) as Word) !== 0) {
    // P4: some A, without which the mm could end while its list has this page; and some F, for what
    // was C is F now. P2: that fragment's grace period is over, so no reader is in it, and the node
    // may be written (H3). Nothing was C where a thread died that had queued the head for its free:
    // whoever recovered that did it later, so it is C now (repair.ts).
    const index = findFree(mem, ptdesc, kind.perPage, -1) as FragIndex;
    if (index >= 0) {
      const node = nodeAt(heap, pfnOfPtdesc(heap, ptdesc), kind, index);
      listAdd(mem, partialList(owner, kindId), node);
      mem.poke((ptdesc + HOLDER) as Word, index + 1);
    } else if (outcome === NO_C) {
      breakRule(heap, 4, 'a page whose grace period is over has nothing free', ptdesc);
    }
  }
  // The last access to the page: from here on its head is idle, or somebody else may run it.
  if (outcome === SOME_C) callRcu(thread, head, PAGE_CALLBACK);
  else settle(thread, head);
  release(thread, owner);
  return;
}

/** The same for a page without A: nobody else has it, so no lock, and what isn't free yet is C. */
function ripenPrivate(thread: Thread, ptdesc: Word): unknown {
  const { heap, mem } = thread;
  const kind = heap.kinds[mem.peek((ptdesc + KIND) as Word)] as HeapKind;
  if (heap.debug) poisonRipe(heap, ptdesc, kind);
  if (ripenPage(mem, ptdesc, kind.perPage) === ALL_FREE) return returnPage(thread, ptdesc);
  // What is not F was N until now, and is C: its grace period is still to come.
  callRcu(thread, (ptdesc + RCU) as Word, PAGE_CALLBACK);
  return;
}

/** Returns a page that is all F, or refuses if the supply's lock is not let go of. */
export function returnPage(thread: Thread, ptdesc: Word): unknown {
  const pfn = pfnOfPtdesc(thread.heap, ptdesc);
  // Once more is harmless: what is F stays F, and the page is nobody else's.
  return tryReturnPages(thread, pfn, retirePage, callbackPatience(thread)) ? undefined : REFUSED;
}

/** C to F and N to C in all words. Context: owner's lock held, or no A. */
function ripenPage(mem: Memory, ptdesc: Word, perPage: number): number {
  const word = stateWordOf(ptdesc, 0 as FragIndex);
  const after = ripen(mem.peek(word));
  mem.poke(word, after);
  if (perPage > PER_WORD) return ripenBeyond(mem, ptdesc, perPage, after);
  return outcomeOf(after ^ allFree(perPage), bitsOfC(after));
}

/**
 * The same for the words behind the first, which reads `first` already. Each of these words is full
 * of fragments, for the number of fragments is a power of two: no bits are left out.
 */
function ripenBeyond(mem: Memory, ptdesc: Word, perPage: number, first: number): number {
  let notFree = ~first;
  let waiting = bitsOfC(first);
  for (let index = PER_WORD; index < perPage; index += PER_WORD) {
    const word = stateWordOf(ptdesc, index as FragIndex);
    const after = ripen(mem.peek(word));
    mem.poke(word, after);
    notFree |= ~after;
    waiting |= bitsOfC(after);
  }
  return outcomeOf(notFree, waiting);
}

function outcomeOf(notFree: number, waiting: number): number {
  if (notFree === 0) return ALL_FREE;
  return waiting !== 0 ? SOME_C : NO_C;
}

/** The last stores to a page that is all F. Context: supply lock held, nobody else has the page. */
function retirePage(thread: Thread, ptdesc: Word): void {
  const { heap, mem } = thread;
  if (mem.peek(at(ptdesc, HOLDER)) !== 0 || mem.peek(at(ptdesc, ALLOCATED)) !== 0) {
    const pfn = pfnOfPtdesc(heap, ptdesc);
    breakRule(heap, 3, `page ${pfn} is returned with an A or while on a list`);
  }
  // Before the block is on a free list: whoever takes it relies on an idle head.
  mem.store(at(ptdesc, OWNER), 0);
  settle(thread, at(ptdesc, RCU));
}

/** The callbacks of a heap, by the CALLBACK of an rcu head. */
export const CALLBACKS: CallbackTable = callbackTable({ page: pageCallback, mm: mmCallback });
