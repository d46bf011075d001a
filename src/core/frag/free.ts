/**
 * Freeing a table: always deferred, there is no immediate free.
 *
 * The fragment can't be used again before a grace period, and a page has one rcu head. So a free
 * finds one of three:
 *
 *   head idle                            queue it; the fragment becomes C
 *   queued, its grace period not begun   the fragment joins it: C
 *   queued and begun, perhaps long over  the next one: N
 *
 * Joining is ours; the mail's rule is N whenever the head is queued. Whether the grace period has
 * begun is asked after the caller unlinked the table: if it has not begun now, then it begins after
 * the unlinking, which is all that C claims (P10).
 *
 * Nothing is allocated and nothing can fail but by misuse (P8).
 */
import { UsageError } from '../base/errors.js';
import type { FragIndex, GracePeriod, KindId, MmId, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, HeapKind, Thread } from '../mem/heap.js';
import * as heaps from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import * as lists from '../mem/list.js';
import * as locks from '../mem/lock.js';
import { breakRule } from '../mem/lock.js';
import type { Memory } from '../mem/memory.js';
import * as callbacks from '../rcu/callback.js';
import * as gracePeriods from '../rcu/grace-period.js';
import { PAGE_CALLBACK } from './callback-table.js';
import { findNotEmpty } from './contents.js';
import * as intents from './intent.js';
import * as mms from './mm.js';
import { recordFree, sayFreedBy } from './poison.js';
import * as ptdescs from './ptdesc.js';
import { formatPage, kindIdOf } from './ptdesc.js';
import * as states from './state.js';

// Consts of this module, as mem/layout.ts says.
const { OWNER, KIND, HOLDER, ALLOCATED, RCU } = PTDESC;
const { mmOfRecord, mmRecord, pageAddress, pfnOfAddress, ptdescOf } = heaps;
const { listDelete } = lists;
const { INTENT, intendNothing, intendTable } = intents;
const { acquireWithin, lockStalled, release } = locks;
const { callRcu, HEAD_IDLE } = callbacks;
const { graceBegun } = gracePeriods;
const { isLive, isMm, mmNotLive, noSuchMm, ownerOf, ownerOfRecord, refused, tablesWord } = mms;
const { getState, nodeAt, slotOf, stateWordOf } = ptdescs;
const { A, C, fromA, N } = states;

/**
 * Frees a table that the caller has unlinked and emptied; its memory is used again, or its page
 * returned, when no reader can be in it any more. Blocks on the owner's lock only; may be called
 * inside a reader. Throws `UsageError`, and changes nothing, for a double free, for an address that
 * is not a table of this mm, and in debug heaps for a table that is not empty. A second free after
 * the fragment was handed out again can't be told from a right one.
 *
 * Throws `StallError`, and changes nothing, where the owner's lock is not let go of. `isUnlinked`:
 * the caller can't go back to where it had not unlinked the table, and the error is to say so; the
 * table stays one of the mm's, to be freed by who is told of it.
 *
 * Source: Gunthorpe, ZIHeiDf9srvRagfr@ziepe.ca, 8 June 2023; pte_free_defer, Linux 6.6.
 */
export function freeTable(
  thread: Thread,
  mm: MmId,
  table: Word,
  isUnlinked: boolean = false,
): void {
  const { heap } = thread;
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  const error = tryFreeTable(thread, mm, table);
  if (error === null) return;
  if (error !== STALLED) throw error;
  const unfinished = isUnlinked ? `table ${table} of mm ${mm} is unlinked but not freed` : null;
  throw lockStalled(thread, ownerOf(heap, mm), unfinished);
}

/** The owner's lock could not be had; nothing has changed. */
export const STALLED = 'stalled';

/** As freeTable, of a number that can be an mm's, but returns what that throws. */
export function tryFreeTable(
  thread: Thread,
  mm: MmId,
  table: Word,
): UsageError | typeof STALLED | null {
  const { heap, mem } = thread;
  const record = mmRecord(heap, mm);
  const owner = ownerOfRecord(heap, record);
  if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) return STALLED;
  if (!isLive(mem, record, mm)) return refused(thread, owner, mmNotLive(heap, mm));
  // `| 0` leaves nothing but a whole number of 32 bits as it is.
  if ((table | 0) !== table || table < heap.pagesAt || table >= heap.words) {
    return refused(thread, owner, explainForeign(heap, mm, table));
  }
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  // Plain: for a page of ours the lock orders it; for another's it is racy, but then we only
  // report the caller's error.
  if (mem.peek((ptdesc + OWNER) as Word) !== owner) {
    return refused(thread, owner, explainForeign(heap, mm, table));
  }
  const kind = heap.kinds[mem.peek((ptdesc + KIND) as Word)] as HeapKind;
  const offset = table - pageAddress(heap, pfn);
  const index = (offset >>> kind.fragmentShift) as FragIndex;
  const aligned = (offset & (kind.fragmentWords - 1)) === 0;
  if (!aligned || getState(mem, ptdesc, index) !== A || heap.debug) {
    const misuse = explainTable(heap, mm, table);
    if (misuse !== null) return refused(thread, owner, misuse);
  }
  if (heap.debug) recordFree(thread, table, mem.peek((ptdesc + KIND) as Word) as KindId);
  freeUnderLock(thread, owner, record, table, index);
  release(thread, owner);
  return null;
}

/**
 * Frees a table, fragment `index` of a page of the owner's, which is A. Context: owner's lock held.
 */
export function freeUnderLock(
  thread: Thread,
  owner: Word,
  record: Word,
  table: Word,
  index: FragIndex,
): void {
  const { heap, mem } = thread;
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  const kind = heap.kinds[mem.peek((ptdesc + KIND) as Word)] as HeapKind;
  const stateWord = stateWordOf(ptdesc, index);
  const before = mem.peek(stateWord);
  const tables = tablesWord(record);
  const others = mem.peek(tables) - 1;
  intendTable(thread, INTENT.FREE, table, record, others);
  const allocated = mem.peek((ptdesc + ALLOCATED) as Word);
  if (allocated === 1) unlist(heap, mem, ptdesc, pfn, kind);
  const head = (ptdesc + RCU) as Word;
  // WAITS_FOR is the first word of a head.
  const waits = mem.peek(head) as GracePeriod;
  // The callback may start before we are done here. It finds OWNER positive and waits for the lock
  // that we hold.
  if (waits === HEAD_IDLE) callRcu(thread, head, PAGE_CALLBACK);
  // Asked after the caller unlinked the table: what has not begun now begins after that (P10).
  const begun = waits !== HEAD_IDLE && graceBegun(heap, waits);
  mem.poke(stateWord, fromA(before, slotOf(index), begun ? N : C));
  mem.poke((ptdesc + ALLOCATED) as Word, allocated - 1);
  mem.poke(tables, others);
  if (allocated === 1) {
    // PUBLISH(last-free): our last access to the page, which belongs to its callback from here
    // on. It may be returned before we release the lock; the mm's record is not, for this free
    // has not returned (P5).
    mem.store((ptdesc + OWNER) as Word, -owner);
  }
  intendNothing(thread);
}

/** A page without A is on no list (P4). The node's words stay; the next user fills the page. */
function unlist(heap: Heap, mem: Memory, ptdesc: Word, pfn: Pfn, kind: HeapKind): void {
  const holder = mem.peek((ptdesc + HOLDER) as Word);
  if (holder === 0) return;
  if (holder < 0 || holder > kind.perPage) breakRule(heap, 4, `HOLDER of page ${pfn} is ${holder}`);
  listDelete(mem, nodeAt(heap, pfn, kind, (holder - 1) as FragIndex));
  mem.poke((ptdesc + HOLDER) as Word, 0);
}

/** Why `table` is not in a page of the mm with tables left. Context: owner's lock held. */
function explainForeign(heap: Heap, mm: MmId, table: Word): UsageError {
  if (!Number.isInteger(table) || table < heap.pagesAt || table >= heap.words) {
    return foreign(`${table} is not in the page area; the caller's mm is ${mm}`);
  }
  const pfn = pfnOfAddress(heap, table);
  const owner = heap.mem.peek(at(ptdescOf(heap, pfn), OWNER));
  const freedBy = sayFreedBy(heap, table);
  if (owner === 0) {
    return foreign(`page ${pfn} is not a page of tables; the caller's mm is ${mm}${freedBy}`);
  }
  const pageMm = mmOfRecord(heap, Math.abs(owner) as Word);
  if (owner === -ownerOf(heap, mm)) {
    const states = describePage(heap, table);
    return doubleFree(`${states} of mm ${pageMm}, in which no table is left`, mm, freedBy);
  }
  return foreign(`page ${pfn} belongs to mm ${pageMm}, the caller's mm is ${mm}`);
}

/** What is wrong with freeing `table`, in a page of its mm; null if nothing. Context: as above. */
function explainTable(heap: Heap, mm: MmId, table: Word): UsageError | null {
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  const kind = heap.kinds[kindIdOf(heap.mem, ptdesc)] as HeapKind;
  const offset = table - pageAddress(heap, pfn);
  if ((offset & (kind.fragmentWords - 1)) !== 0) {
    return foreign(`${table} is not where a table begins in page ${pfn}; the caller's mm is ${mm}`);
  }
  const index = (offset >>> kind.fragmentShift) as FragIndex;
  if (getState(heap.mem, ptdesc, index) !== A) {
    return doubleFree(`${describePage(heap, table)} of mm ${mm}`, mm, sayFreedBy(heap, table));
  }
  const dirty = heap.debug ? findNotEmpty(heap.mem, table, kind) : null;
  if (dirty === null) return null;
  const message = `freeTable: word ${dirty} of fragment ${index} of page ${pfn} is not empty`;
  return new UsageError('not-empty', message);
}

/** Fragment, state and page of a table. */
function describePage(heap: Heap, table: Word): string {
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  const kind = heap.kinds[kindIdOf(heap.mem, ptdesc)] as HeapKind;
  const index = (table - pageAddress(heap, pfn)) >>> kind.fragmentShift;
  const states = formatPage(heap.mem, ptdesc, kind);
  return `fragment ${index}, state ${states[index]}, of page ${pfn} (${states})`;
}

function foreign(what: string): UsageError {
  return new UsageError('foreign-fragment', `freeTable: ${what}`);
}

function doubleFree(what: string, mm: MmId, freedBy: string): UsageError {
  return new UsageError(
    'double-free',
    `freeTable: not allocated: ${what}; the caller's mm is ${mm}${freedBy}`,
  );
}
