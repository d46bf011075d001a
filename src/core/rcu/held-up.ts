/**
 * Who holds up a wait that does not end: for messages, and for people who look for a dead thread.
 *
 * Hints all of them. Nothing is locked, and whoever is named may have gone on by now; a thread that
 * is dead or stuck goes on being named.
 *
 * A reader may itself wait for a lock: then it is not to be blamed but who holds that, and so on
 * along the chain. SLEEPS_FOR of a thread's record says what it waits for.
 */
import type { Blocker } from '../base/blocker.js';
import type { ThreadId } from '../base/units.js';
import { at } from '../base/units.js';
import {
  describeThread,
  type Heap,
  isThread,
  nameOfThread,
  threadRecord,
  threadsHigh,
} from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';
import { heldLocks, lockBlocker, threadInside } from '../mem/lock.js';
import { isLock } from '../mem/places.js';
import { someThread } from '../mem/thread-set.js';
import { graceEnded, graceStarted, readerBefore } from './grace-period.js';
import type { Barrier } from './wait.js';

/** Some callbacks run, but on which thread can't be told: it has ended by now. */
export const SOME_RUNNER: Blocker = Object.freeze({
  cause: 'callbacks',
  thread: null,
  name: null,
  attachedAtMs: null,
  of: null,
});

/** Who holds up the end of the grace period under way; null: nobody. */
export function heldUpGrace(heap: Heap): Blocker | null {
  const n = graceStarted(heap);
  const thread = graceEnded(heap, n) ? null : readerBefore(heap, n);
  return thread === null ? null : behind(heap, readerBlocker(heap, thread));
}

/** Who holds up a barrier: at its queue, in a section, or by a lock that its callbacks may need. */
export function heldUpBarrier(heap: Heap, { queue }: Barrier): Blocker {
  const [atQueue] = queueBlockers(heap, queue);
  if (atQueue !== undefined) return behind(heap, atQueue);
  return heldUpGrace(heap) ?? lockBlockers(heap)[0] ?? SOME_RUNNER;
}

/**
 * All who hold something at this moment that others may wait for, those first that surely are
 * waited for: the reader of the grace period under way, who has a queue, who runs callbacks,
 * who has a lock. O(pages).
 */
export function blockersOf(heap: Heap): Blocker[] {
  const reader = heldUpGrace(heap);
  const found = reader === null ? [] : [reader];
  const high = threadsHigh(heap);
  for (let id = 0; id < high; id++) {
    for (const each of queueBlockers(heap, id as ThreadId)) found.push(behind(heap, each));
  }
  const all = [...found, ...lockBlockers(heap)];
  // Once each, and the first of them. By a key: with many pages there may be many locks.
  const keyOf = ({ cause, thread, of }: Blocker): string => `${cause} ${thread} ${of}`;
  return [...new Map(all.toReversed().map((each) => [keyOf(each), each])).values()].toReversed();
}

/** Follows a thread that waits for a lock to the thread that has it. */
function behind(heap: Heap, from: Blocker): Blocker {
  let blocker = from;
  // Threads that wait for each other in a circle would be followed for ever.
  for (let steps = 0; steps < heap.threadsMax; steps++) {
    const { thread } = blocker;
    if (thread === null || !isThread(heap, thread)) break;
    const lock = wordOf(heap, thread as ThreadId, THREAD.SLEEPS_FOR);
    if (!isLock(heap, lock)) break;
    const next = lockBlocker(heap, lock);
    if (next.thread === null || next.thread === thread) break;
    blocker = next;
  }
  return blocker;
}

function readerBlocker(heap: Heap, thread: ThreadId): Blocker {
  const isOutside = wordOf(heap, thread, THREAD.NESTING) === 0;
  const isOnline = wordOf(heap, thread, THREAD.FLAVOUR) !== 0 && isOutside;
  return { cause: isOnline ? 'online' : 'reader', ...describeThread(heap, thread), of: null };
}

/** Who has a queue, and who runs its callbacks. */
function queueBlockers(heap: Heap, queue: ThreadId): Blocker[] {
  const found: Blocker[] = [];
  const inside = threadInside(wordOf(heap, queue, THREAD.QUEUE_LOCK));
  if (inside !== null) {
    const of = nameOfThread(heap, queue);
    found.push({ cause: 'queue', ...describeThread(heap, inside), of });
  }
  const runners = at(threadRecord(heap, queue), THREAD.QUEUE_RUNNERS);
  const runner = someThread(heap, runners);
  if (runner !== null) found.push({ ...SOME_RUNNER, ...describeThread(heap, runner) });
  return found;
}

function lockBlockers(heap: Heap): Blocker[] {
  return heldLocks(heap).map(({ word }) => behind(heap, lockBlocker(heap, word)));
}

function wordOf(heap: Heap, thread: ThreadId, field: number): number {
  return heap.mem.load(at(threadRecord(heap, thread), field));
}
