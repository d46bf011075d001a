/**
 * Read sections, in two flavours.
 *
 *   epoch  The outermost lock publishes GP_STARTED in READER, the outermost unlock publishes 0.
 *          Outside of sections the thread delays nobody, whatever it does there.
 *   qsbr   Lock and unlock only count. READER holds a number all the time that the thread is
 *          online, renewed by `quiescent`; offline it is 0. (Quiescent-state-based reclamation.)
 *
 * One scan serves both (grace-period.ts). NESTING is the thread's own, hence plain.
 *
 * What a section may do: load, and wait for an mm lock. The first access that reaches shared
 * structure must be a `load`: a plain one may, on machines weaker than x86, be done before the
 * store that publishes the section.
 */
import { UsageError } from '../base/errors.js';
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, type Thread, threadRecord } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';
import { graceStarted } from './grace-period.js';

function nestingWord(thread: Thread): Word {
  return at(thread.record, THREAD.NESTING);
}

function readerWord(thread: Thread): Word {
  return at(thread.record, THREAD.READER);
}

/** Enters a read section; may be nested. Wait-free. Context: any. */
export function rcuReadLock(thread: Thread): void {
  const { mem } = thread;
  const nesting = nestingWord(thread);
  const depth = mem.peek(nesting);
  if (depth === 0) {
    // Published before it is counted: broken off in between, the thread delays grace periods until
    // its next section is over. Counted first, that next section would never be published.
    if (!thread.qsbr) {
      // PUBLISH(section): from here on no grace period ends that begins later; the scan in
      // grace-period.ts observes it. The number may be old by now: see G2 there.
      mem.store(readerWord(thread), graceStarted(thread.heap));
    } else if (mem.peek(readerWord(thread)) === 0) {
      // Going online is left to `rcuOnline`; a section while offline would protect nothing.
      goOnline(thread);
    }
  }
  mem.poke(nesting, depth + 1);
}

/** Leaves the innermost section. Wait-free. Throws `UsageError` if there is none. */
export function rcuReadUnlock(thread: Thread): void {
  const { mem } = thread;
  const nesting = nestingWord(thread);
  const depth = mem.peek(nesting);
  if (depth === 0) throw new UsageError('not-reading', 'readUnlock without readLock');
  mem.poke(nesting, depth - 1);
  // PUBLISH(section-end): our loads are done; a grace period that sees 0 may end.
  if (depth === 1 && !thread.qsbr) mem.store(readerWord(thread), 0);
}

/** Leaves all sections at once: of a thread that ends inside, and reads nothing any more. */
export function leaveAllSections(thread: Thread): void {
  const { mem } = thread;
  mem.poke(nestingWord(thread), 0);
  // PUBLISH(section-end): as in rcuReadUnlock.
  mem.store(readerWord(thread), 0);
}

/** Whether the thread is inside a read section. */
export function isReading(thread: Thread): boolean {
  return thread.mem.peek(nestingWord(thread)) !== 0;
}

/** Whether grace periods wait for a thread: it is in a section, or online. Racy: for reports. */
export function isWaitedFor(heap: Heap, thread: ThreadId): boolean {
  return heap.mem.load(at(threadRecord(heap, thread), THREAD.READER)) !== 0;
}

/**
 * As rcuReadLock and rcuReadUnlock, for sections of our own: a qsbr thread that was offline is
 * offline again afterwards. Its user has said that it takes no part, and does not know that there
 * was a section.
 */
export function enterBriefly(thread: Thread): void {
  const { mem, record } = thread;
  if (thread.qsbr && !isReading(thread) && mem.peek(readerWord(thread)) === 0) {
    mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 1);
  }
  rcuReadLock(thread);
}

export function leaveBriefly(thread: Thread): void {
  const { mem, record } = thread;
  rcuReadUnlock(thread);
  if (!thread.qsbr || isReading(thread)) return;
  if (mem.peek(at(record, THREAD.BRIEFLY_ONLINE)) === 0) return;
  mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 0);
  rcuOffline(thread);
}

function goOnline(thread: Thread): void {
  // PUBLISH(section): as in rcuReadLock.
  thread.mem.store(readerWord(thread), graceStarted(thread.heap));
}

/**
 * Says that the thread holds no reference from before. qsbr threads must call it often; for epoch
 * threads it does nothing. Throws `UsageError` inside a section.
 */
export function quiescent(thread: Thread): void {
  if (!thread.qsbr) return;
  refuseReader(thread, 'quiescent');
  const reader = readerWord(thread);
  const published = thread.mem.peek(reader);
  // Offline threads stay offline. An unchanged number need not be stored again: nothing that
  // waits can have begun after it.
  if (published !== 0 && published !== graceStarted(thread.heap)) goOnline(thread);
}

/** A qsbr thread stops delaying grace periods: before anything that blocks. */
export function rcuOffline(thread: Thread): void {
  if (!thread.qsbr) return;
  refuseReader(thread, 'offline');
  // PUBLISH(section-end): as in rcuReadUnlock.
  thread.mem.store(readerWord(thread), 0);
}

/** A qsbr thread takes part again. Entering a section does it by itself. */
export function rcuOnline(thread: Thread): void {
  if (thread.qsbr && thread.mem.peek(readerWord(thread)) === 0) goOnline(thread);
}

/** Throws `UsageError` inside a read section: there `what` would wait for itself. */
export function refuseReader(thread: Thread, what: string): void {
  if (!isReading(thread)) return;
  throw new UsageError('inside-reader', `${what} inside a read section of thread ${thread.id}`);
}
