/**
 * Handing out a fragment.
 *
 * From the first partial page of the owner's list if there is one: the lowest F, and the holder of
 * the list node only when no other F is left, for then the page leaves the list anyway. Otherwise
 * from a fresh page: the lock is not held while the supply is asked and the page is filled, so two
 * threads may each bring one; both pages are listed.
 */
import { UsageError } from '../base/errors.js';
import type { FragIndex, KindId, MmId, Pfn, Word } from '../base/units.js';
import type { HeapKind, Thread } from '../mem/heap.js';
import * as heaps from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import * as lists from '../mem/list.js';
import * as locks from '../mem/lock.js';
import { breakRule } from '../mem/lock.js';
import * as supply from '../mem/supply.js';
import * as contents from './contents.js';
import * as intents from './intent.js';
import * as mms from './mm.js';
import {
  poison,
  poisonNew,
  restore,
  writeAfterFree,
  writtenInFragment,
  writtenInPages,
} from './poison.js';
import * as ptdescs from './ptdesc.js';
import * as states from './state.js';

// Consts of this module, as mem/layout.ts says.
const { OWNER, KIND, HOLDER, ALLOCATED } = PTDESC;
const { mmRecord, pageAddress, ptdescOf } = heaps;
const { listAdd, listDelete, listFirst } = lists;
const { acquire, acquireWithin, isHeldElsewhere, lockStalled, release } = locks;
const { emptyHand, returnPages, SUPPLY_LOCK, takePages, tryReturnPages } = supply;
const { eraseNode, fillEmpty } = contents;
const { INTENT, intendHold, intendNothing, intendTable } = intents;
const {
  isLive,
  isMm,
  mmNotLive,
  noSuchMm,
  ownerOf,
  ownerOfRecord,
  partialList,
  refused,
  tablesWord,
} = mms;
const { findFree, initStates, nodeAt, pfnOfNode, slotOf, stateWordOf, tableAt } = ptdescs;
const { withA } = states;

/**
 * Allocates a table of a kind for an mm: its address, in the kind's empty state, or null when no
 * page is left. Blocks on the owner's lock and the supply lock. Throws `UsageError` for an mm that
 * is not live or a kind that does not exist. The table is the caller's until `freeTable`.
 *
 * In a debug heap it throws `WriteAfterFreeError` where somebody wrote into the memory while that
 * was free. No table is handed out then, and what was written is poison again.
 *
 * Source: Gunthorpe, ZIHeiDf9srvRagfr@ziepe.ca, 8 June 2023, "at least one frag is free".
 */
export function allocTable(thread: Thread, mm: MmId, kindId: KindId): Word | null {
  const table = allocHeld(thread, mm, kindId);
  intendNothing(thread);
  return table;
}

/**
 * The same, for a caller who links the table: until that says so, or frees it, the table counts as
 * one that this thread alone knows, and is freed if the thread dies (intent.ts).
 */
export function allocHeld(thread: Thread, mm: MmId, kindId: KindId): Word | null {
  const { heap, mem } = thread;
  const kind = heap.kinds[kindId];
  if (kind === undefined) throw new UsageError('no-such-kind', `the heap has no kind ${kindId}`);
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  const record = mmRecord(heap, mm);
  const owner = ownerOfRecord(heap, record);
  acquire(thread, owner);
  // destroyMm counts tables and ends the mm under this lock: an mm that is live here stays so until
  // we let go, and by then our table is counted.
  if (!isLive(mem, record, mm)) throw refused(thread, owner, mmNotLive(heap, mm));
  const node = listFirst(mem, partialList(owner, kindId));
  if (node === 0) return allocFresh(thread, mm, kindId, owner);
  // Plain accesses from here on. A listed page has an A (P4), so its OWNER is positive, and its
  // callback waits for the lock that we hold, as every free does.
  const pfn = pfnOfNode(heap, node);
  const ptdesc = ptdescOf(heap, pfn);
  // `| 0`: no number is read beyond the heap's end, where a damaged link may lead.
  const holder = (mem.peek((ptdesc + HOLDER) as Word) | 0) - 1;
  const index = findFree(mem, ptdesc, kind.perPage, holder) as FragIndex;
  if (index < 0) return breakRule(heap, 4, `page ${pfn} is listed but has no node`);
  const table = tableAt(heap, pfn, kind, index);
  if (heap.debug) refuseWritten(thread, owner, table, kind);
  const tables = tablesWord(record);
  const before = mem.peek(tables);
  intendTable(thread, INTENT.ALLOC, table, record, before);
  if (index === holder) {
    if (node !== table && !heap.debug) return breakRule(heap, 4, `${node} is listed, and no node`);
    // The last F: the page leaves the list, and its node leaves the fragment's memory (H4). In this
    // order: listDelete reads the words that eraseNode writes.
    listDelete(mem, node);
    if (!heap.debug) eraseNode(mem, node, kind);
    mem.poke((ptdesc + HOLDER) as Word, 0);
  }
  const stateWord = stateWordOf(ptdesc, index);
  mem.poke(stateWord, withA(mem.peek(stateWord), slotOf(index)));
  const allocated = (ptdesc + ALLOCATED) as Word;
  mem.poke(allocated, mem.peek(allocated) + 1);
  mem.poke(tables, before + 1);
  intendHold(thread);
  release(thread, owner);
  // P2: the fragment is A and not yet linked anywhere, so no reader can be in it.
  if (kind.hasResidue || heap.debug) fillEmpty(mem, table, kind.fragmentWords, kind);
  return table;
}

/**
 * A lock that another thread has, of those that `allocTable` takes; 0 if there is none. Only a
 * look, for a thread that would rather do something else than wait.
 */
export function lockBeforeAlloc(thread: Thread, mm: MmId, kindId: KindId): Word | 0 {
  const { heap } = thread;
  // What is refused waits for nothing.
  if (!isMm(heap, mm) || heap.kinds[kindId] === undefined) return 0;
  const owner = ownerOf(heap, mm);
  if (isHeldElsewhere(thread, owner)) return owner;
  const isListed = pageOfNext(thread, mm, kindId) !== 0;
  return !isListed && isHeldElsewhere(thread, SUPPLY_LOCK) ? SUPPLY_LOCK : 0;
}

/**
 * The ptdesc of the page that the next table of a kind comes from, if one is listed; 0: a page of
 * the supply's. Only a look.
 */
export function pageOfNext({ heap, mem }: Thread, mm: MmId, kindId: KindId): Word | 0 {
  const list = partialList(ownerOf(heap, mm), kindId);
  const node = mem.load(list) as Word;
  return node === list ? 0 : ptdescOf(heap, pfnOfNode(heap, node));
}

/** Context: owner's lock held. Lets go of it while it takes and fills a page. */
function allocFresh(thread: Thread, mm: MmId, kindId: KindId, owner: Word): Word | null {
  const { heap, mem } = thread;
  const kind = heap.kinds[kindId] as HeapKind;
  const record = mmRecord(heap, mm);
  // Not under the lock: to clear a page takes long, and nobody but us will know of it meanwhile.
  release(thread, owner);
  const pfn = takePages(thread, kind.order);
  if (pfn === null) return null;
  const ptdesc = ptdescOf(heap, pfn);
  const page = pageAddress(heap, pfn);
  // Plain: what comes from the supply is ours alone. Its last readers left before it was returned.
  if (heap.debug) fillDebugPage(thread, pfn, kindId);
  else fillEmpty(mem, page, kind.fragmentWords * kind.perPage, kind);
  mem.poke((ptdesc + KIND) as Word, kindId);
  mem.poke((ptdesc + HOLDER) as Word, 0);
  mem.poke((ptdesc + ALLOCATED) as Word, 1);
  initStates(mem, ptdesc, kind);
  if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {
    // The other fragments are as they must be, and what is not was written meanwhile: to be found.
    if (heap.debug) poison(mem, page, kind.fragmentWords);
    throw lockStalled(thread, owner, giveBack(thread, pfn));
  }
  // Asked again: without the lock the mm may have ended, by a caller's mistake.
  if (!isLive(mem, record, mm)) {
    release(thread, owner);
    // Nobody has seen the page: it was never in reach of a reader, so it needs no grace period.
    if (heap.debug) poison(mem, page, kind.fragmentWords);
    returnPages(thread, pfn, retireUnseen);
    throw mmNotLive(heap, mm);
  }
  // From here on it is a page of the owner's. Up to here a free that named it was refused.
  const tables = tablesWord(record);
  const before = mem.peek(tables);
  intendTable(thread, INTENT.ALLOC, page, record, before);
  mem.store((ptdesc + OWNER) as Word, owner);
  emptyHand(thread);
  mem.poke(tables, before + 1);
  if (kind.perPage > 1) {
    // Fragment 0 is handed out. The next one is F, and no reader can be in it: nobody linked it.
    const holder = 1 as FragIndex;
    listAdd(mem, partialList(owner, kindId), nodeAt(heap, pfn, kind, holder));
    mem.poke((ptdesc + HOLDER) as Word, holder + 1);
  }
  intendHold(thread);
  release(thread, owner);
  return page;
}

/** Gives back a page that nobody has seen; what to say if that can't be had either. */
function giveBack(thread: Thread, pfn: Pfn): string | null {
  const isBack = tryReturnPages(thread, pfn, retireUnseen, thread.lockWaits.stallMs);
  return isBack ? null : `page ${pfn} is lost, for the supply is locked too`;
}

/** What `returnPages` calls before it gives a page back: nothing is left to be done to this one. */
function retireUnseen(): void {
  // OWNER was not stored yet, and the head was never queued.
}

/** Debug heaps: lets go of the lock and throws, for a fragment in F that was written. */
function refuseWritten(thread: Thread, owner: Word, table: Word, kind: HeapKind): void {
  const written = writtenInFragment(thread.heap, table, kind);
  if (written === null) return;
  restore(thread.heap, written);
  throw refused(thread, owner, writeAfterFree(written, null));
}

/**
 * Debug heaps: empties the first fragment of a page that was just taken; the others are poison.
 * Gives the page back and throws if it was written while it was in the supply.
 */
function fillDebugPage(thread: Thread, pfn: Pfn, kindId: KindId): void {
  const { heap, mem } = thread;
  const kind = heap.kinds[kindId] as HeapKind;
  const written = writtenInPages(heap, pfn, kind.order, kindId);
  if (written !== null) {
    restore(heap, written);
    throw writeAfterFree(written, giveBack(thread, pfn));
  }
  poisonNew(heap, pfn, kindId);
  fillEmpty(mem, pageAddress(heap, pfn), kind.fragmentWords, kind);
}
