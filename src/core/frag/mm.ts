/**
 * Address spaces: their records, their lists of partial pages, their end.
 *
 * LIFE of a record:
 *
 *   FREE -> LIVE    createMm, by the thread that took the record
 *   LIVE -> DYING   destroyMm; refused while tables or users are left
 *   DYING -> FREE   the mm's callback, a grace period later
 *
 * Each mm has an owner: the record whose lock and lists serve it. With `sharing: 'mm'` that is the
 * mm itself; with `sharing: 'all'` it is record 0, which never dies and is nobody's mm.
 *
 * The owner's lock protects its lists, the ptdescs of its pages (ptdesc.ts) and, of every mm that
 * it serves, LIFE, TABLES and USERS. It does not protect what lies in tables, nor a page in the
 * supply. No other lock is taken under it today. It may be waited for inside a read section.
 *
 * A record is used again only after a grace period (P5): the callback of a page may be about to
 * lock it. Pages hold no reference on it.
 */
import { LimitError, type Shortage, UsageError } from '../base/errors.js';
import type { KindId, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, Thread } from '../mem/heap.js';
import { headerWord, mmOfRecord, mmRecord } from '../mem/heap.js';
import { HEAP, MM, RCU_HEAD } from '../mem/layout.js';
import { listFirst, listInit } from '../mem/list.js';
import { acquire, acquireWithin, breakRule, lockStalled, release } from '../mem/lock.js';
import type { Memory } from '../mem/memory.js';
import { callbackPatience, callRcu, HEAD_IDLE, REFUSED } from '../rcu/callback.js';
import { MM_CALLBACK } from './callback-table.js';

export const MM_FREE = 0;
export const MM_LIVE = 1;
export const MM_DYING = 2;

/** The record that owns the pages of all mms where sharing is 'all'. Never an mm of a user's. */
export const COMMON_OWNER = 0 as MmId;

// Consts of this module, as mem/layout.ts says.
const { LISTS, LIFE, TABLES } = MM;
const LIVE = MM_LIVE;

const TABLE_LOCK = headerWord(HEAP.MM_TABLE_LOCK);

/** The record whose lock and lists serve `mm`; its first word is its lock. */
export function ownerOf(heap: Heap, mm: MmId): Word {
  return heap.sharedOwner === true ? heap.mmsAt : mmRecord(heap, mm);
}

/** Head of the owner's list of partial pages of a kind. */
export function partialList(owner: Word, kind: KindId): Word {
  return (owner + LISTS + 2 * kind) as Word;
}

/** Prepares the common owner's lists; once, when the heap is made. */
export function initCommonOwner(heap: Heap): void {
  initLists(heap, mmRecord(heap, COMMON_OWNER));
  heap.mem.poke(headerWord(HEAP.MM_HIGH), 1);
}

function initLists(heap: Heap, owner: Word): void {
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

/** Makes an address space; null when all records are in use or still dying. */
export function tryCreateMm(thread: Thread): MmId | null {
  const { heap, mem } = thread;
  const mm = takeRecord(thread);
  if (mm === null) return null;
  const owner = ownerOf(heap, mm);
  // The record is ours, but whoever names its number by mistake asks for LIFE, under this lock.
  if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {
    const isBack = putRecord(thread, mm, thread.lockWaits.stallMs);
    const lost = isBack ? null : `mm ${mm} is lost, for the table of mms is locked too`;
    throw lockStalled(thread, owner, lost);
  }
  const record = mmRecord(heap, mm);
  initLists(heap, record);
  mem.poke(at(record, MM.TABLES), 0);
  mem.poke(at(record, MM.USERS), 0);
  mem.poke(at(record, MM.LIFE), MM_LIVE);
  release(thread, owner);
  return mm;
}

function takeRecord(thread: Thread): MmId | null {
  const { heap, mem } = thread;
  const free = headerWord(HEAP.MM_FREE);
  const high = headerWord(HEAP.MM_HIGH);
  acquire(thread, TABLE_LOCK);
  let mm = mem.peek(free);
  if (mm !== 0) {
    mem.poke(free, mem.peek(at(mmRecord(heap, mm as MmId), MM.NEXT)));
  } else if (mem.peek(high) < heap.mmsMax) {
    mm = mem.peek(high);
    mem.poke(high, mm + 1);
  }
  release(thread, TABLE_LOCK);
  // Record 0 is the common owner's and on no list: 0 says that none was free.
  return mm === 0 ? null : (mm as MmId);
}

/** Locks the owner of a live mm and returns it, or throws `UsageError` with nothing held. */
function lockMm(thread: Thread, mm: MmId, what: string): Word {
  const { heap, mem } = thread;
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm, what);
  const owner = ownerOf(heap, mm);
  acquire(thread, owner);
  if (!isLive(mem, mmRecord(heap, mm))) throw refused(thread, owner, mmNotLive(mm, what));
  return owner;
}

/** Whether `mm` is the number of an mm, live or not. */
export function isMm(heap: Heap, mm: MmId): boolean {
  return (mm | 0) === mm && mm > 0 && mm < heap.mmsMax;
}

/** Whether the mm of a record is live. Context: owner's lock held. */
export function isLive(mem: Memory, record: Word): boolean {
  return mem.peek((record + LIFE) as Word) === LIVE;
}

export function noSuchMm(heap: Heap, mm: MmId, what: string): UsageError {
  const message = `${what}: ${mm} is not an mm (1 to ${heap.mmsMax - 1})`;
  return new UsageError('no-such-mm', message);
}

export function mmNotLive(mm: MmId, what: string): UsageError {
  return new UsageError('mm-not-live', `${what}: mm ${mm} was destroyed or never created`);
}

/** Lets go of the lock and returns what to throw: the end of an operation that changed nothing. */
export function refused(thread: Thread, lock: Word, misuse: UsageError): UsageError {
  release(thread, lock);
  return misuse;
}

/** The word that counts an mm's tables. Context of its use: owner's lock held. */
export function tablesWord(record: Word): Word {
  return (record + TABLES) as Word;
}

/** Live tables of an mm. Throws `UsageError` if the mm is not live. */
export function tablesOf(thread: Thread, mm: MmId): number {
  const owner = lockMm(thread, mm, 'tablesOf');
  const tables = thread.mem.peek(at(mmRecord(thread.heap, mm), MM.TABLES));
  release(thread, owner);
  return tables;
}

/** Users of an mm that are counted by `enterMm`. Throws `UsageError` if the mm is not live. */
export function usersOf(thread: Thread, mm: MmId): number {
  const owner = lockMm(thread, mm, 'usersOf');
  const users = thread.mem.peek(at(mmRecord(thread.heap, mm), MM.USERS));
  release(thread, owner);
  return users;
}

/**
 * Counts this thread in as a user of an mm that isn't its own: until `leaveMm` the mm can't be
 * destroyed. Throws `UsageError` if the mm is not live.
 */
export function enterMm(thread: Thread, mm: MmId): void {
  changeUsers(thread, mm, 1, 'enterMm');
}

/** Undoes one `enterMm`. Throws `UsageError` if there was none. */
export function leaveMm(thread: Thread, mm: MmId): void {
  changeUsers(thread, mm, -1, 'leaveMm');
}

function changeUsers(thread: Thread, mm: MmId, change: 1 | -1, what: string): void {
  const { heap, mem } = thread;
  const owner = lockMm(thread, mm, what);
  const users = at(mmRecord(heap, mm), MM.USERS);
  const after = mem.peek(users) + change;
  if (after >= 0) mem.poke(users, after);
  release(thread, owner);
  if (after < 0) throw new UsageError('not-a-user', `${what}: mm ${mm} has no users`);
}

/**
 * Ends an address space; its record is free again after a grace period. Throws `UsageError`, and
 * changes nothing, while the mm has tables or users. The caller promises that no operation of
 * another thread on this mm is under way, save for those counted by `enterMm`.
 */
export function destroyMm(thread: Thread, mm: MmId): void {
  const { heap, mem } = thread;
  const owner = lockMm(thread, mm, 'destroyMm');
  const record = mmRecord(heap, mm);
  const tables = mem.peek(at(record, MM.TABLES));
  const users = mem.peek(at(record, MM.USERS));
  // Whoever counts up, alloc and enterMm, does it under this lock and asks for LIFE before: nothing
  // begins between this look and DYING.
  if (tables !== 0 || users !== 0) {
    release(thread, owner);
    const code = tables !== 0 ? 'mm-has-tables' : 'mm-in-use';
    throw new UsageError(code, `destroyMm: mm ${mm} has ${tables} tables and ${users} users`);
  }
  requireEmptyLists(heap, mm);
  mem.poke(at(record, MM.LIFE), MM_DYING);
  release(thread, owner);
  // P5: with TABLES at 0 the last frees are through, and no OWNER is the positive address of this
  // record. A callback that read one earlier, and may still lock the record, does so in a section
  // that began before: the grace period waits for it.
  callRcu(thread, at(record, MM.RCU), MM_CALLBACK);
}

/** Without tables no page of this mm has an A, so none is on a list (P4). */
function requireEmptyLists(heap: Heap, mm: MmId): void {
  for (let kind = 0; kind < heap.kinds.length; kind++) {
    if (listFirst(heap.mem, partialList(mmRecord(heap, mm), kind as KindId)) === 0) continue;
    breakRule(heap, 4, `mm ${mm} has no tables, but pages on list ${kind}`);
  }
}

/** Frees the record of an mm whose grace period is over; refuses if a lock is not let go of. */
export function mmCallback(thread: Thread, head: Word): unknown {
  const { heap, mem } = thread;
  const record = at(head, 0 - MM.RCU);
  const mm = mmOfRecord(heap, record);
  const owner = ownerOf(heap, mm);
  const patience = callbackPatience(thread);
  if (!acquireWithin(thread, owner, patience)) return REFUSED;
  mem.poke(at(record, MM.LIFE), MM_FREE);
  // One lock after the other: what each protects is whole in between, so neither needs the other.
  release(thread, owner);
  // Without the second it is done again, from the first on: nobody else has the record.
  return putRecord(thread, mm, patience) ? undefined : REFUSED;
}

/** Puts a record up for the next mm; false, and nothing has changed, if the table stays locked. */
function putRecord(thread: Thread, mm: MmId, stallMs: number): boolean {
  const { heap, mem } = thread;
  if (!acquireWithin(thread, TABLE_LOCK, stallMs)) return false;
  const record = mmRecord(heap, mm);
  const free = headerWord(HEAP.MM_FREE);
  mem.poke(at(record, MM.NEXT), mem.peek(free));
  mem.poke(free, mm);
  // Before the lock is let go of: from then on somebody may take the record, and destroy it again.
  mem.poke(at(record, MM.RCU + RCU_HEAD.WAITS_FOR), HEAD_IDLE);
  release(thread, TABLE_LOCK);
  return true;
}
