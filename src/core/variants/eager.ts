/**
 * Variant A, eager: the rules of the core, but only the lists are under the owner's lock; state
 * words change by compare-and-swap, and a free that leaves some A takes no lock.
 *
 * What the lock gave must be bought otherwise:
 *
 *   - A free that took the last A away still has to take the page off its list, while the page's
 *     callback may find it all F. The free is a read section, so the grace period of its own
 *     fragment can't end before it is through.
 *   - With several words "some C" can't be asked in one step: PENDING says it, and whoever sets it
 *     makes the N of all words C before the head is queued, never after.
 *   - A free does not join a pending grace period, as the core's does: which one that is stands in
 *     the rcu head, which belongs to whoever queued it and may not have been written yet. This is
 *     the mail's literal rule: N whenever a callback is pending.
 */
import type { FragIndex, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { callbackTable, PAGE_CALLBACK } from '../frag/callback-table.js';
import { mmCallback, ownerOf, partialList, tablesWord } from '../frag/mm.js';
import { slotOf, tableAt } from '../frag/ptdesc.js';
import { bitsOfC, C, fromA, PER_WORD } from '../frag/state.js';
import { mmRecord, pfnOfPtdesc, type Thread } from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import { listDelete } from '../mem/list.js';
import { acquire, release } from '../mem/lock.js';
import { returnPages } from '../mem/supply.js';
import { type CallbackTable, callRcu, HEAD_IDLE } from '../rcu/callback.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { listPage } from './alloc.js';
import { endMm, type Found, findTable, kindOfPage, retirePage } from './free.js';
import * as words from './words.js';

export { allocTable } from './alloc.js';

// Consts of this module, as mem/layout.ts says.
const { findFree, freeSlot, freeSlotToNext, hasA, isAllFree, PENDING } = words;
const { ripenWord, settleNext, someN, wordAt } = words;
const { ALLOCATED, HOLDER, OWNER, RCU } = PTDESC;

/** As frag/free.ts freeTable, without joining. */
export function freeTable(thread: Thread, mm: MmId, table: Word): void {
  const { heap, mem } = thread;
  const found = findTable(thread, mm, table);
  // From before the fragment stops being A until the page is off its list: the grace period that
  // the fragment waits for does not end meanwhile, so neither is the page returned.
  enterBriefly(thread);
  const { kind, ptdesc } = found;
  const isLast = kind.perPage > PER_WORD ? freeInWords(thread, found) : freeInWord(thread, found);
  if (isLast) {
    const owner = ownerOf(heap, mm);
    acquire(thread, owner);
    // Alloc may have been faster: then the page is off its list, or has an A again. It is taken off
    // all the same, for our own fragment's callback is still to come, and lists it.
    const holder = mem.load(at(ptdesc, HOLDER));
    if (holder !== 0) {
      listDelete(mem, tableAt(heap, found.pfn, kind, (holder - 1) as FragIndex));
      mem.store(at(ptdesc, HOLDER), 0);
    }
    release(thread, owner);
  }
  // Here or earlier: while we are in our section the mm may be destroyed, but not its record freed.
  mem.add(tablesWord(mmRecord(heap, mm)), -1);
  leaveBriefly(thread);
}

/** A to C or N in a page with one word. Returns whether no A is left. */
function freeInWord(thread: Thread, { ptdesc, kind, index }: Found): boolean {
  const slot = slotOf(index);
  const before = freeSlot(thread.mem, wordAt(ptdesc, 0), slot);
  if (bitsOfC(before) === 0) callRcu(thread, at(ptdesc, RCU), PAGE_CALLBACK);
  // C or N, it is no A any more.
  return !hasA(fromA(before, slot, C), 0, kind.perPage);
}

/** A to N, and to C if no callback is pending, in a page with several words. */
function freeInWords(thread: Thread, { ptdesc, kind, index }: Found): boolean {
  const { mem } = thread;
  freeSlotToNext(mem, wordAt(ptdesc, index), slotOf(index));
  queueNext(thread, ptdesc, kind.perPage);
  return mem.add(at(ptdesc, ALLOCATED), -1) === 1;
}

/** Queues the head for all that is N, if nobody has it queued. Several words. */
function queueNext(thread: Thread, ptdesc: Word, perPage: number): void {
  if (thread.mem.exchange(at(ptdesc, PENDING), 1) !== 0) return;
  // In this order: an N that comes after callRcu may be newer than the grace period.
  settleNext(thread.mem, ptdesc, perPage);
  callRcu(thread, at(ptdesc, RCU), PAGE_CALLBACK);
}

/** Runs for a page whose grace period is over. Context: inside a read section (P5). */
function pageCallback(thread: Thread, head: Word): void {
  const { heap, mem } = thread;
  const ptdesc = at(head, 0 - RCU);
  const { perPage } = kindOfPage(thread, ptdesc).kind;
  // Still ours alone: the next free that finds no C, or PENDING at 0, queues it.
  mem.poke(head, HEAD_IDLE);
  let allFree = true;
  let someC = false;
  let last = 0;
  for (let first = 0; first < perPage; first += PER_WORD) {
    const after = ripenWord(mem, wordAt(ptdesc, first));
    if (!isAllFree(after, first, perPage)) allFree = false;
    if (bitsOfC(after) !== 0) someC = true;
    last = after;
  }
  if (allFree) {
    // No free is between its change of the word and its list removal: it would hold us up.
    returnPages(thread, pfnOfPtdesc(heap, ptdesc), retirePage);
    return;
  }
  if (someC) callRcu(thread, head, PAGE_CALLBACK);
  else if (perPage > PER_WORD) endPending(thread, ptdesc, perPage);
  const someA = perPage > PER_WORD ? mem.load(at(ptdesc, ALLOCATED)) !== 0 : hasA(last, 0, perPage);
  if (someA && mem.load(at(ptdesc, HOLDER)) === 0) relist(thread, ptdesc);
}

/** PENDING to 0, but for an N that came meanwhile and relied on it. */
function endPending(thread: Thread, ptdesc: Word, perPage: number): void {
  const { mem } = thread;
  mem.store(at(ptdesc, PENDING), 0);
  if (someN(mem, ptdesc, perPage)) queueNext(thread, ptdesc, perPage);
}

/** Lists the page if it is on no list and has some A and some F; all may have changed by now. */
export function relist(thread: Thread, ptdesc: Word): void {
  const { heap, mem } = thread;
  const { id, kind } = kindOfPage(thread, ptdesc);
  // P5: some A was seen in this section, so the record outlives it.
  const owner = mem.load(at(ptdesc, OWNER)) as Word;
  acquire(thread, owner);
  const free = findFree(mem, ptdesc, kind.perPage, -1) as FragIndex;
  const mayList = free >= 0 && mem.load(at(ptdesc, HOLDER)) === 0;
  if (mayList && hasSomeA(thread, ptdesc, kind.perPage)) {
    const node = tableAt(heap, pfnOfPtdesc(heap, ptdesc), kind, free);
    listPage(thread, ptdesc, partialList(owner, id), node, free);
  }
  release(thread, owner);
}

function hasSomeA({ mem }: Thread, ptdesc: Word, perPage: number): boolean {
  if (perPage > PER_WORD) return mem.load(at(ptdesc, ALLOCATED)) !== 0;
  return hasA(mem.load(wordAt(ptdesc, 0)), 0, perPage);
}

/** As frag/mm.ts destroyMm. No page of the mm has an A, so none is listed. */
export function destroyMm(thread: Thread, mm: MmId): void {
  endMm(thread, mm, () => {});
}

export const CALLBACKS: CallbackTable = callbackTable({ page: pageCallback, mm: mmCallback });
