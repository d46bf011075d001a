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
import { InvariantError } from '../base/errors.js';
import type { MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, headerWord, mmRecord, type Thread } from './heap.js';
import { HEAP, MM } from './layout.js';
import type { Memory } from './memory.js';

/** Bit 31, as a signed word. */
export const SLEEPERS: number = 1 << 31;

/** Takes the lock, sleeping if need be. Context: any, but not while this thread holds it. */
export function acquire(thread: Thread, lock: Word): void {
  const { mem } = thread;
  // OBSERVE(lock): what was written inside before is visible from here on.
  if (mem.cas(lock, 0, thread.id + 1) !== 0) acquireSlowly(thread, lock);
}

function acquireSlowly(thread: Thread, lock: Word): void {
  const { mem, heap } = thread;
  const mine = thread.id + 1;
  for (let spin = 0; spin < heap.spins; spin++) {
    if (mem.load(lock) === 0 && mem.cas(lock, 0, mine) === 0) return;
  }
  let seen = mem.load(lock);
  for (;;) {
    if (seen === 0) {
      // Taken with S set although perhaps nobody sleeps any more: one notify too many is
      // cheap, one too few is a thread that sleeps for ever.
      seen = mem.cas(lock, 0, mine | SLEEPERS);
      if (seen === 0) return;
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
      mem.awaitChange(lock, seen);
      seen = mem.load(lock);
    }
  }
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
  if (rule !== 0) throw new InvariantError(`P${rule}`, 'found by another thread, which stopped');
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
  const { mem } = heap;
  mem.cas(headerWord(HEAP.BROKEN), 0, rule);
  wakeAll(mem, headerWord(HEAP.SUPPLY_LOCK));
  wakeAll(mem, headerWord(HEAP.MM_TABLE_LOCK));
  for (let mm = 0; mm < heap.mmsMax; mm++) {
    wakeAll(mem, at(mmRecord(heap, mm as MmId), MM.LOCK));
  }
  throw new InvariantError(`P${rule}`, found, word);
}

function wakeAll(mem: Memory, lock: Word): void {
  mem.and(lock, ~SLEEPERS);
  mem.notify(lock);
}
