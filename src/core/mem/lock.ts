/**
 * The lock: one word that says who holds it and whether anybody sleeps for it.
 *
 *    31 30                                            0
 *   +--+-----------------------------------------------+
 *   |S |    number of the thread inside + 1, 0 free     |
 *   +--+-----------------------------------------------+
 *
 *   S  somebody may sleep: the unlocker must notify
 *
 *   free -> held          one CAS, the way of an uncontended lock
 *   free -> held|S        a CAS by a thread that slept: others may still sleep
 *   held -> held|S        a CAS by a thread that is about to sleep
 *   held, held|S -> free  one exchange, by the thread inside
 *
 * The thread is in the word because a killed thread runs no `finally`: whoever finds a lock held
 * can tell by whom. Nothing is handed over in order of arrival. With more threads than CPUs a
 * FIFO lock waits for a sleeper's time slice on every hand-over; this one lets the running win.
 *
 * The locks, what they protect and in what order they nest are listed in ARCHITECTURE.md. Today
 * only table locks nest, an upper table's and then a lower one's (pgtable/lock.ts). A lock can be
 * taken inside a read section. It can't be taken twice by one thread. Nothing that runs under a
 * lock runs callbacks or waits for a grace period, so no count of held locks is kept.
 */
import type { Blocker } from '../base/blocker.js';
import { InvariantError, StallError } from '../base/errors.js';
import type { Pfn, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { RULES_MAX } from './header.js';
import {
  describeThread,
  type Heap,
  headerWord,
  mmOfRecord,
  mmRecordAt,
  pfnOfPtdesc,
  ptdescOf,
  type Thread,
} from './heap.js';
import { HEAP, MM, PTDESC, THREAD } from './layout.js';
import type { Memory } from './memory.js';
import { isLock } from './places.js';

/** Bit 31, as a signed word. */
export const SLEEPERS: number = 1 << 31;

/**
 * Takes the lock, sleeping if need be. Throws `StallError` that names the thread inside, and does
 * not hold the lock, when that has not let go for as long as this thread is ready to wait. Context:
 * any, but not while this thread holds it; nothing changed that a throw would leave half done.
 */
export function acquire(thread: Thread, lock: Word): void {
  const { mem } = thread;
  // OBSERVE(lock): what was written inside before is visible from here on.
  if (mem.cas(lock, 0, thread.id + 1) !== 0) acquireOrThrow(thread, lock);
}

function acquireOrThrow(thread: Thread, lock: Word): void {
  if (!acquireSlowly(thread, lock, thread.lockWaits.stallMs)) throw lockStalled(thread, lock);
}

/** As acquire, for a caller who has something to undo: false, and the lock is not held. */
export function acquireWithin(thread: Thread, lock: Word, stallMs: number): boolean {
  return thread.mem.cas(lock, 0, thread.id + 1) === 0 || acquireSlowly(thread, lock, stallMs);
}

function acquireSlowly(thread: Thread, lock: Word, stallMs: number): boolean {
  const { mem, heap, id } = thread;
  for (let spin = 0; spin < heap.spins; spin++) {
    if (mem.load(lock) === 0 && mem.cas(lock, 0, id + 1) === 0) return true;
  }
  const sleepsFor = at(thread.record, THREAD.SLEEPS_FOR);
  // For whoever waits for this thread: it is not to be blamed (rcu/held-up.ts).
  mem.store(sleepsFor, lock);
  const isTaken = acquireAsleep(thread, lock, stallMs);
  mem.store(sleepsFor, 0);
  return isTaken;
}

function acquireAsleep(thread: Thread, lock: Word, stallMs: number): boolean {
  const { mem, heap } = thread;
  const mine = thread.id + 1;
  // No clock: the time that sleeps took that were over by themselves, with one thread inside.
  let waitedMs = 0;
  let seen = mem.load(lock);
  for (;;) {
    if (seen === 0) {
      // Taken with S set although perhaps nobody sleeps any more: one notify too many is
      // cheap, one too few is a thread that sleeps for ever.
      seen = mem.cas(lock, 0, mine | SLEEPERS);
      if (seen === 0) return true;
    } else if ((seen & SLEEPERS) === 0) {
      const found = mem.cas(lock, seen, seen | SLEEPERS);
      seen = found === seen ? seen | SLEEPERS : found;
    } else {
      // breakRule writes BROKEN, then takes S away, then notifies: who looked here before that
      // does not fall asleep, unless another set S again; that one comes here and does the same.
      if (mem.load(headerWord(HEAP.BROKEN)) !== 0) {
        wakeAll(mem, lock);
        throwIfBroken(heap);
      }
      // S is set: if it was this thread that was woken, who is inside now wakes another. A thread
      // that is inside itself was broken off there, and would wait for itself.
      if (waitedMs >= stallMs || threadInside(seen) === thread.id) return false;
      const sleepMs = sleepOf(thread, stallMs);
      const isOver = mem.awaitChange(lock, seen, sleepMs);
      const found = mem.load(lock);
      waitedMs = isOver && found === seen ? waitedMs + (sleepMs ?? 0) : 0;
      seen = found;
    }
  }
}

/**
 * How long to sleep before another look. The thread that a notify wakes may be killed before it
 * takes the lock; then nobody else is woken, and whoever still sleeps must see for itself that the
 * lock is free. So a lost wake-up costs a look, and a long wait one look in lookMs.
 */
function sleepOf({ lockWaits }: Thread, stallMs: number): number | undefined {
  return lockWaits.lookMs === 0 ? undefined : Math.min(lockWaits.lookMs, stallMs);
}

/** A lock that some thread has. */
export interface HeldLock {
  readonly name: string;
  readonly word: Word;
  readonly thread: ThreadId;
}

/** The locks that are held, of all that there are: in good order only in operations. O(pages). */
export function heldLocks(heap: Heap): HeldLock[] {
  const held: HeldLock[] = [];
  const look = (word: Word): void => {
    const thread = threadInside(heap.mem.load(word));
    if (thread !== null) held.push({ name: nameOfLock(heap, word), word, thread });
  };
  look(headerWord(HEAP.SUPPLY_LOCK));
  look(headerWord(HEAP.MM_TABLE_LOCK));
  for (let i = 0; i < heap.mmsMax; i++) look(at(mmRecordAt(heap, i), MM.LOCK));
  for (let pfn = 0; pfn < heap.pagesMax; pfn++) look(at(ptdescOf(heap, pfn as Pfn), PTDESC.LOCK));
  return held;
}

/** What to throw where a lock was waited for too long. `unfinished`: see StallError. */
export function lockStalled(
  { heap, mem, id, lockWaits }: Thread,
  lock: Word,
  unfinished: string | null = null,
): StallError {
  const isOwn = threadInside(mem.load(lock)) === id;
  const what = isOwn ? `waiting for a lock ${OF_ITS_OWN}` : 'waiting for a lock';
  return new StallError(what, lockBlocker(heap, lock), isOwn ? 0 : lockWaits.stallMs, unfinished);
}

const OF_ITS_OWN = 'that this thread has itself, since an operation of it was broken off';

/** Who holds a lock, for messages. Racy: it may have let go by now. */
export function lockBlocker(heap: Heap, lock: Word): Blocker {
  const thread = threadInside(heap.mem.load(lock));
  return { cause: 'lock', ...describeThread(heap, thread), of: nameOfLock(heap, lock) };
}

/** The thread that a lock's word names; null: it is free. */
export function threadInside(word: number): ThreadId | null {
  const inside = word & ~SLEEPERS;
  return inside === 0 ? null : ((inside - 1) as ThreadId);
}

/** Whether another thread has a lock. Only a look: a moment later it may be otherwise. */
export function isHeldElsewhere({ mem, id }: Thread, lock: Word): boolean {
  const inside = threadInside(mem.load(lock));
  return inside !== null && inside !== id;
}

/** What a lock protects, in words. */
export function nameOfLock(heap: Heap, lock: Word): string {
  if (lock === headerWord(HEAP.SUPPLY_LOCK)) return 'the supply';
  if (lock === headerWord(HEAP.MM_TABLE_LOCK)) return 'the table of mms';
  if (!isLock(heap, lock)) return `no lock, which word ${lock} is none`;
  if (lock >= heap.ptdescsAt) return `the tables in page ${pfnOfPtdesc(heap, lock)}`;
  return lock === heap.mmsAt ? 'all mms' : `mm ${mmOfRecord(heap, lock)}`;
}

/** Lets go of the lock and wakes one sleeper if there may be any. */
export function release(thread: Thread, lock: Word): void {
  // PUBLISH(lock): everything written under the lock happens before the next OBSERVE(lock). S is
  // the sign.
  if (thread.mem.exchange(lock, 0) < 0) wake(thread, lock);
}

function wake(thread: Thread, lock: Word): void {
  thread.mem.notify(lock, 1);
}

/** Throws what another thread found broken, so that nobody waits for it in vain. */
export function throwIfBroken(heap: Heap): void {
  const rule = heap.mem.load(headerWord(HEAP.BROKEN));
  if (rule === 0) return;
  if (rule > 0 && rule <= RULES_MAX) {
    throw new InvariantError(`P${rule}`, 'found by another thread, which stopped');
  }
  throw new InvariantError('P12', `BROKEN is ${rule}, which is no rule`, headerWord(HEAP.BROKEN));
}

/**
 * Marks the heap as broken, wakes whoever sleeps for one of its locks, and throws. Locks that the
 * caller holds stay held: what they protect must not be trusted. `word`: the one in question, if
 * it is one.
 */
export function breakRule(
  heap: Heap,
  rule: number,
  found: string,
  word: number | null = null,
): never {
  markBroken(heap, rule);
  throw new InvariantError(`P${rule}`, found, word);
}

/** Marks the heap as broken, for who throws something else. */
export function markBroken(heap: Heap, rule: number): void {
  const { mem } = heap;
  mem.cas(headerWord(HEAP.BROKEN), 0, rule);
  wakeAll(mem, headerWord(HEAP.SUPPLY_LOCK));
  wakeAll(mem, headerWord(HEAP.MM_TABLE_LOCK));
  for (let i = 0; i < heap.mmsMax; i++) wakeAll(mem, at(mmRecordAt(heap, i), MM.LOCK));
}

function wakeAll(mem: Memory, lock: Word): void {
  mem.and(lock, ~SLEEPERS);
  mem.notify(lock);
}
