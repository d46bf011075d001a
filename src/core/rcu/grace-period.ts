/**
 * Grace periods: numbered, one at a time, advanced by whoever cares.
 *
 *   GP_STARTED    the latest grace period that has begun
 *   GP_COMPLETED  the latest that has ended: equal to GP_STARTED, or the one before it
 *
 *   started == completed --CAS started + 1--> one under way --CAS completed = started--> …
 *
 * READER of a thread's record is 0 while the thread is outside of every section, and otherwise the
 * GP_STARTED that it saw when it published. Grace period n may end when every READER was seen at 0
 * or at n or later (G1):
 *
 *   G1  A section that was entered before n began published a number before n, and that store
 *       came before the scan's load of READER. If the store came after the load, then
 *       everything that the section does comes after the scan, hence after n began, hence after
 *       the unlinking that n was asked for: it cannot find what was unlinked.
 *   G2  A number that was old when it was published only makes grace periods longer: the reader
 *       had not touched anything yet.
 *   G3  Two scans of n may run at once, and one may be so late that n is long over. Its CAS
 *       then fails, for GP_COMPLETED never returns to n - 1 (until the numbers wrap, after 2^31).
 *
 * Numbers have 31 bits and skip 0 (bit 31 of WAITS_FOR is kept for a mark); they compare
 * wrap-safe. No lock: a thread that dies or sleeps in here holds up nobody.
 */
import type { GracePeriod, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, headerWord, threadRecord, threadsHigh } from '../mem/heap.js';
import { HEAP, THREAD } from '../mem/layout.js';

const GP_STARTED = headerWord(HEAP.GP_STARTED);
export const GP_COMPLETED: Word = headerWord(HEAP.GP_COMPLETED);

/** The grace period after `n`. */
export function successor(n: GracePeriod): GracePeriod {
  return ((n + 1) & 0x7fffffff || 1) as GracePeriod;
}

/** Whether a comes before b: the sign of the difference in 31 bits. */
export function isBefore(a: number, b: number): boolean {
  return (a - b) << 1 < 0;
}

/** The latest grace period that has begun. */
export function graceStarted(heap: Heap): GracePeriod {
  return heap.mem.load(GP_STARTED) as GracePeriod;
}

/** The first grace period that surely has not begun: what is unlinked now waits for this one. */
export function graceAhead(heap: Heap): GracePeriod {
  return successor(graceStarted(heap));
}

/** Whether grace period `n` may have begun. False is certain at the time of the call. */
export function graceBegun(heap: Heap, n: GracePeriod): boolean {
  return !isBefore(graceStarted(heap), n);
}

/** Whether grace period `n` is over. True stays true. */
export function graceEnded(heap: Heap, n: GracePeriod): boolean {
  // OBSERVE(grace-period): all that the readers of before did is over.
  return !isBefore(heap.mem.load(GP_COMPLETED), n);
}

/** Begins the next grace period if none is under way. */
export function beginGrace(heap: Heap): void {
  const { mem } = heap;
  // COMPLETED first: it never passes STARTED, so equal values mean that at the second load
  // no grace period was under way.
  const completed = mem.load(GP_COMPLETED);
  const started = mem.load(GP_STARTED);
  if (completed === started) mem.cas(GP_STARTED, started, successor(started as GracePeriod));
}

/** Ends the grace period under way if no reader of before is left. Scans each thread once. */
export function endGrace(heap: Heap): void {
  const { mem } = heap;
  const completed = mem.load(GP_COMPLETED);
  const started = mem.load(GP_STARTED) as GracePeriod;
  if (completed === started || readerBefore(heap, started) !== null) return;
  // PUBLISH(grace-period): the scan saw the last store of every section of before.
  if (mem.cas(GP_COMPLETED, completed, started) === completed) mem.notify(GP_COMPLETED);
}

/** Does what can be done now for the grace period under way, beginning one if there is none. */
export function advanceGrace(heap: Heap): void {
  beginGrace(heap);
  endGrace(heap);
}

/** The first thread inside a section that began before grace period `n`, or null. */
export function readerBefore(heap: Heap, n: GracePeriod): ThreadId | null {
  const { mem } = heap;
  // A thread that attaches after this load enters its first section after n began (G1).
  const high = threadsHigh(heap);
  for (let id = 0; id < high; id++) {
    // OBSERVE(section), OBSERVE(section-end): 0 or a later number means that all loads of the
    // sections of before are done, and that a section of now finds what was published before n.
    const reader = mem.load(at(threadRecord(heap, id as ThreadId), THREAD.READER));
    if (reader !== 0 && isBefore(reader, n)) return id as ThreadId;
  }
  return null;
}
