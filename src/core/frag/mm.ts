/**
 * Address spaces: their records, their lists of partial pages, their end.
 *
 * An mm's number:
 *
 *    31 30          n n-1            0
 *   +--+-------------+----------------+
 *   |0 | generation  | record's index |     n: enough bits for every index of the heap (mmMask)
 *   +--+-------------+----------------+
 *
 * The generation is 0 for the first mm of a record, and one more for each that follows: what is
 * kept of an mm that has ended names no other one. After the last generation comes 0 again, so a
 * number is given out anew when its record was used 2^(31-n) times: 8 million times where there are
 * 256 records.
 *
 * LIFE of a record:
 *
 *     0   not used yet
 *    +m   serves the live mm of number m
 *    -m   mm m has ended: the record waits for a grace period, or is free
 *
 *   0, -m -> m'   createMm, by the thread that took the record; m' is the next number
 *       m -> -m   destroyMm; refused while tables or users are left
 *
 * Whoever acts on an mm compares LIFE with its number, under the owner's lock: so a number that has
 * ended is refused, and the mm that has its record by now is not touched (P11).
 *
 * Each mm has an owner: the record whose lock and lists serve it. With `sharing: 'mm'` that is the
 * mm itself; with `sharing: 'all'` it is record 0, which never dies and is nobody's mm.
 *
 * The owner's lock protects its lists, the ptdescs of its pages (ptdesc.ts) and, of every mm that
 * it serves, LIFE, TABLES and USERS (users.ts). It does not protect what lies in tables, nor a page
 * in the supply. No other lock is taken under it today. It may be waited for inside a read section.
 *
 * A record is used again only after a grace period (P5): the callback of a page may be about to
 * lock it. Pages hold no reference on it.
 */
import { LimitError, type Shortage, UsageError } from '../base/errors.js';
import type { KindId, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, Thread } from '../mem/heap.js';
import { headerWord, mmIndexOf, mmRecord, mmRecordAt, mmsHigh } from '../mem/heap.js';
import { HEAP, MM } from '../mem/layout.js';
import { listFirst, listInit } from '../mem/list.js';
import { acquire, acquireWithin, breakRule, lockStalled, release } from '../mem/lock.js';
import type { Memory } from '../mem/memory.js';
import { isMmRecord } from '../mem/places.js';
import { countThreads } from '../mem/thread-set.js';
import { callbackPatience, callRcu, REFUSED, settle } from '../rcu/callback.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { MM_CALLBACK } from './callback-table.js';
import { INTENT, intendNothing, intendRecord } from './intent.js';

/** Index of the record that owns the pages of all mms where sharing is 'all'. Never an mm's. */
export const COMMON_OWNER = 0;

/** The largest number of an mm: 31 bits, so that all are positive. */
const MM_MAX = 0x7fffffff;

// Consts of this module, as mem/layout.ts says.
const { LISTS, LIFE, TABLES } = MM;

/** The lock of the table of mms: of the list of free records. */
export const MM_TABLE_LOCK: Word = headerWord(HEAP.MM_TABLE_LOCK);

/** The record whose lock and lists serve `mm`; its first word is its lock. */
export function ownerOf(heap: Heap, mm: MmId): Word {
  return ownerOfRecord(heap, mmRecord(heap, mm));
}

/** The same of the record of an mm. */
export function ownerOfRecord(heap: Heap, record: Word): Word {
  return heap.sharedOwner === true ? heap.mmsAt : record;
}

/** Head of the owner's list of partial pages of a kind. */
export function partialList(owner: Word, kind: KindId): Word {
  return (owner + LISTS + 2 * kind) as Word;
}

/** Prepares the common owner's lists; once, when the heap is made. */
export function initCommonOwner(heap: Heap): void {
  initLists(heap, heap.mmsAt);
  heap.mem.poke(headerWord(HEAP.MM_HIGH), 1);
}

/** Makes an owner's lists empty. */
export function initLists(heap: Heap, owner: Word): void {
  for (let kind = 0; kind < heap.kinds.length; kind++) {
    listInit(heap.mem, partialList(owner, kind as KindId));
  }
}

/** Makes an address space. Throws `LimitError` when all records are in use or still dying. */
export function createMm(thread: Thread): MmId {
  return tryCreateMm(thread) ?? throwNoMm(thread.heap, null);
}

/** Throws what says that no record is left. */
export function throwNoMm({ mmsMax }: Heap, shortage: Shortage | null): never {
  throw new LimitError('mmsMax', mmsMax - 1, 'no record for another mm is free', shortage);
}

/**
 * Makes an address space; null when all records are in use or still dying. `isPart`: of a larger
 * operation, whose end `handOut` says. If the thread dies before, whoever recovers what it left
 * ends the mm (pgtable/unmake.ts).
 */
export function tryCreateMm(thread: Thread, isPart = false): MmId | null {
  const { heap, mem, id } = thread;
  const record = takeRecord(thread);
  if (record === 0) return null;
  const owner = ownerOfRecord(heap, record);
  // The record is ours, but whoever has the number of an ended mm asks for LIFE, under this lock.
  if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {
    const isBack = putRecord(thread, record, thread.lockWaits.stallMs);
    const index = mmIndexOf(heap, record);
    const lost = isBack ? null : `record ${index} is lost, for the table of mms is locked too`;
    throw lockStalled(thread, owner, lost);
  }
  initLists(heap, record);
  mem.poke(at(record, MM.TABLES), 0);
  // Before LIFE: of a live mm it says who makes it, and not who made the last one of the record.
  mem.store(at(record, MM.MAKER), isPart ? id + 1 : 0);
  const mm = nextNumber(heap, record);
  // Before the mm has a tree: OBSERVE(root) relies on it (pgtable/space.ts).
  mem.store(at(record, MM.LIFE), mm);
  release(thread, owner);
  intendNothing(thread);
  return mm;
}

/**
 * The mm is this thread's alone, and about to end: if the thread dies on the way, whoever recovers
 * what it left ends it. Context: nobody else works on it, or will.
 */
export function takeBack({ heap, mem, id }: Thread, mm: MmId): void {
  mem.store(at(mmRecord(heap, mm), MM.MAKER), id + 1);
}

/** The mm is given to the caller, or left to others: from now on it is not this thread's alone. */
export function handOut({ heap, mem }: Thread, mm: MmId): void {
  mem.store(at(mmRecord(heap, mm), MM.MAKER), 0);
}

/** The number of a record's next mm. Context: owner's lock held. */
function nextNumber(heap: Heap, record: Word): MmId {
  const index = mmIndexOf(heap, record);
  const last = Math.abs(heap.mem.peek(at(record, MM.LIFE)));
  if (last === 0) return index as MmId;
  if ((last & heap.mmMask) !== index) breakRule(heap, 11, `record ${index} served mm ${last}`);
  return ((last + heap.mmMask + 1) & MM_MAX) as MmId;
}

/** A record for a new mm; 0: none is free. */
function takeRecord(thread: Thread): Word | 0 {
  const { heap, mem } = thread;
  const free = headerWord(HEAP.MM_FREE);
  const high = headerWord(HEAP.MM_HIGH);
  acquire(thread, MM_TABLE_LOCK);
  let record = mem.peek(free) as Word | 0;
  if (record !== 0) {
    if (!isMmRecord(heap, record) || mem.load(at(record, MM.LIFE)) > 0) {
      breakRule(heap, 12, `record ${record} is free, and it is in use or no record`, free);
    }
    // In this order: a record that is taken, and of which nobody knows, would be lost.
    intendRecord(thread, INTENT.MAKE, record);
    mem.poke(free, mem.peek(at(record, MM.NEXT)));
  } else if (mem.peek(high) !== mmsHigh(heap)) {
    breakRule(heap, 12, `MM_HIGH is ${mem.peek(high)}`, high);
  } else if (mem.peek(high) < heap.mmsMax) {
    record = mmRecordAt(heap, mem.peek(high));
    intendRecord(thread, INTENT.MAKE, record);
    // Atomic: whoever recovers what a thread left asks for it without this lock.
    mem.store(high, mem.peek(high) + 1);
  }
  release(thread, MM_TABLE_LOCK);
  return record;
}

/** Locks the owner of a live mm and returns it, or throws `UsageError` with nothing held. */
export function lockMm(thread: Thread, mm: MmId): Word {
  const { heap, mem } = thread;
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  const owner = ownerOf(heap, mm);
  acquire(thread, owner);
  if (!isLive(mem, mmRecord(heap, mm), mm)) throw refused(thread, owner, mmNotLive(heap, mm));
  return owner;
}

/** Whether `mm` can be the number of an mm, live or not: it has a record of the heap's. */
export function isMm(heap: Heap, mm: MmId): boolean {
  const index = mm & heap.mmMask;
  return (mm | 0) === mm && mm > 0 && index > 0 && index < heap.mmsMax;
}

/** Whether `mm`, whose record this is, is live. Context: owner's lock held. */
export function isLive(mem: Memory, record: Word, mm: MmId): boolean {
  return mem.peek((record + LIFE) as Word) === mm;
}

/** Errors name the mm, and no operation: many of those that users call come here. */
export function noSuchMm(heap: Heap, mm: MmId): UsageError {
  const allowed = 'it must be a number that createMm returned';
  const records = `the heap has records for 1 to ${heap.mmsMax - 1}`;
  return new UsageError('no-such-mm', `mm is ${mm}; ${allowed}: ${records}`);
}

export function mmNotLive(heap: Heap, mm: MmId): UsageError {
  return new UsageError('mm-not-live', whyNotLive(heap, mm) ?? `mm ${mm} is not live`);
}

/** What became of an mm, and who has its record now; null: it is live. For messages alone. */
export function whyNotLive(heap: Heap, mm: MmId): string | null {
  const life = heap.mem.load(at(mmRecord(heap, mm), MM.LIFE));
  if (life === mm) return null;
  const fate = mm <= Math.abs(life) ? `mm ${mm} has ended` : `mm ${mm} was never created`;
  return life > 0 ? `${fate}; its record serves mm ${life} now` : fate;
}

/** Lets go of the lock and returns what to throw: the end of an operation that changed nothing. */
export function refused(thread: Thread, lock: Word, misuse: UsageError): UsageError {
  release(thread, lock);
  return misuse;
}

/** Mms that live, but for those that one thread alone has. Racy: some may end just now. */
export function liveMms(heap: Heap): MmId[] {
  const { mem } = heap;
  const found: MmId[] = [];
  const high = mmsHigh(heap);
  for (let index = COMMON_OWNER + 1; index < high; index++) {
    const record = mmRecordAt(heap, index);
    const life = mem.load(at(record, MM.LIFE));
    if (life > 0 && mem.load(at(record, MM.MAKER)) === 0) found.push(life as MmId);
  }
  return found;
}

/** The word that counts an mm's tables. Context of its use: owner's lock held. */
export function tablesWord(record: Word): Word {
  return (record + TABLES) as Word;
}

/** Live tables of an mm. Throws `UsageError` if the mm is not live. */
export function tablesOf(thread: Thread, mm: MmId): number {
  const owner = lockMm(thread, mm);
  const tables = thread.mem.peek(at(mmRecord(thread.heap, mm), MM.TABLES));
  release(thread, owner);
  return tables;
}

/**
 * Ends an address space; its record is free again after a grace period. Throws `UsageError`, and
 * changes nothing, while the mm has tables or users. The caller promises that no operation of
 * another thread on this mm is under way, save for those counted by `enterMm`.
 */
export function destroyMm(thread: Thread, mm: MmId): void {
  const { heap, mem } = thread;
  const owner = lockMm(thread, mm);
  const record = mmRecord(heap, mm);
  const tables = mem.peek(at(record, MM.TABLES));
  const users = countThreads(heap, at(record, MM.USERS));
  // Whoever counts up, alloc and enterMm, does it under this lock and asks for LIFE before: nothing
  // begins between this look and the mm's end.
  if (tables !== 0 || users !== 0) {
    release(thread, owner);
    const code = tables !== 0 ? 'mm-has-tables' : 'mm-in-use';
    throw new UsageError(code, `mm ${mm} has ${tables} tables and ${users} users`);
  }
  requireEmptyLists(heap, mm);
  // If the thread dies before the head is queued, whoever recovers what it left queues it. The
  // section keeps the record from being used again until that is known.
  enterBriefly(thread);
  intendRecord(thread, INTENT.END, record);
  mem.store(at(record, MM.LIFE), -mm);
  // P5: with TABLES at 0 the last frees are through, and no OWNER is the positive address of this
  // record. A callback that read one earlier, and may still lock the record, does so in a section
  // that began before: the grace period waits for it.
  callRcu(thread, at(record, MM.RCU), MM_CALLBACK);
  intendNothing(thread);
  release(thread, owner);
  leaveBriefly(thread);
}

/** Without tables no page of this mm has an A, so none is on a list (P4). */
function requireEmptyLists(heap: Heap, mm: MmId): void {
  for (let kind = 0; kind < heap.kinds.length; kind++) {
    if (listFirst(heap.mem, partialList(mmRecord(heap, mm), kind as KindId)) === 0) continue;
    breakRule(heap, 4, `mm ${mm} has no tables, but pages on list ${kind}`);
  }
}

/** Frees the record of an mm whose grace period is over; refuses if the table stays locked. */
export function mmCallback(thread: Thread, head: Word): unknown {
  const isBack = putRecord(thread, at(head, 0 - MM.RCU), callbackPatience(thread));
  return isBack ? undefined : REFUSED;
}

/** Puts a record up for the next mm; false, and nothing has changed, if the table stays locked. */
export function putRecord(thread: Thread, record: Word, stallMs: number): boolean {
  const { mem } = thread;
  if (!acquireWithin(thread, MM_TABLE_LOCK, stallMs)) return false;
  const free = headerWord(HEAP.MM_FREE);
  mem.poke(at(record, MM.NEXT), mem.peek(free));
  mem.poke(free, record);
  // Before the lock is let go of: from then on somebody may take the record, and destroy it again.
  settle(thread, at(record, MM.RCU));
  intendNothing(thread);
  release(thread, MM_TABLE_LOCK);
  return true;
}
