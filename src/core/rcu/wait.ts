/**
 * Waiting for grace periods and callbacks.
 *
 * A wait is a loop of bounded steps (`tryGrace`, `tryBarrier`), each of which does what can be
 * done now; between steps the thread sleeps on GP_COMPLETED, with a time-out because a reader that
 * leaves does not notify (it would cost every reader 40 ns). Whoever blocks does it in
 * `blockUntil`, in the library as in the checker. The asynchronous twins in src/api run the same
 * steps, with a pause in which others have the thread.
 */
import type { Blocker } from '../base/blocker.js';
import { UsageError } from '../base/errors.js';
import type { GracePeriod, ThreadId } from '../base/units.js';
import { at } from '../base/units.js';
import { type Thread, threadRecord, threadsHigh } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';
import { throwIfBroken } from '../mem/lock.js';
import { someThread } from '../mem/thread-set.js';
import { type CallbackTable, refuseInside, serveQueue } from './callback.js';
import { advanceGrace, GP_COMPLETED, graceAhead, graceEnded } from './grace-period.js';
import { heldUpBarrier, heldUpGrace } from './held-up.js';
import { refill } from './queue.js';
import { quiescent, rcuOffline } from './reader.js';

/** The longest sleep between two looks, in milliseconds. */
export const LOOK_MS_MAX = 1;

/** Callbacks that one step runs of one queue, at most. */
const BATCH_MAX = 32;

/**
 * Barriers until all that had been freed before the first one is back. What was freed while a grace
 * period ran waits for the next one, and its page's callback, which the first barrier waits for, is
 * what asks for that.
 */
export const BARRIERS = 2;

/** A wait that has begun: the caller's own. */
export interface Wait {
  /** Does what can be done now, and says whether all is over. */
  readonly isOver: () => boolean;
  /** Why it is not; null: nobody to be named. */
  readonly heldUp: () => Blocker | null;
}

/**
 * Refuses, by `UsageError`, to wait where that could never end, inside a reader or a callback; and
 * to sleep where the thread may not.
 */
export function refuseWait(thread: Thread, what: string, asyncTwin: string | null): void {
  refuseInside(thread, what);
  if (asyncTwin === null || thread.mem.maySleep) return;
  const message = `${what} would block this thread, which may not sleep: use ${asyncTwin}`;
  throw new UsageError('may-not-sleep', message);
}

/**
 * One step towards the end of grace period `n`; true once it is over. Throws what another thread
 * found broken: it may have stopped inside a section.
 */
export function tryGrace(thread: Thread, n: GracePeriod): boolean {
  throwIfBroken(thread.heap);
  quiescent(thread);
  advanceGrace(thread.heap);
  return graceEnded(thread.heap, n);
}

/**
 * Sleeps until a grace period ends, or for a little while. A qsbr thread is offline afterwards, for
 * it may have been before; its next section brings it online.
 */
function sleepForGrace(thread: Thread): void {
  const { mem } = thread;
  rcuOffline(thread);
  mem.awaitChange(GP_COMPLETED, mem.load(GP_COMPLETED), LOOK_MS_MAX);
}

/**
 * Does steps, and sleeps after each, until one says that all is over. `afterSleep` may throw, to
 * give up: between two steps nothing is held.
 */
export function blockUntil(
  thread: Thread,
  isOver: () => boolean,
  afterSleep: () => void = () => {},
): void {
  while (!isOver()) {
    sleepForGrace(thread);
    afterSleep();
  }
}

/** A wait for a grace period that begins after the call: every section of now has been left. */
export function waitForGrace(thread: Thread): Wait {
  const { heap } = thread;
  const n = graceAhead(heap);
  return { isOver: () => tryGrace(thread, n), heldUp: () => heldUpGrace(heap) };
}

/**
 * Waits for a grace period that begins after the call. Blocks. Throws `UsageError` where it could
 * never end.
 */
export function synchronizeRcu(thread: Thread): void {
  refuseWait(thread, 'synchronize', 'synchronizeAsync');
  blockUntil(thread, waitForGrace(thread).isOver);
}

/** How far a barrier has got: plain data, the caller's own. */
export interface Barrier {
  /** Whose queue is being waited for; those of lower threads are done. */
  readonly queue: ThreadId;
  /** Whether all that was in the queue is now in the batch that waits or runs, or done. */
  readonly moved: boolean;
  /** Barriers that follow. */
  readonly left: number;
}

/** As many barriers, one after the other. */
export function beginBarrier(barriers: number): Barrier {
  return { queue: 0 as ThreadId, moved: false, left: barriers - 1 };
}

/**
 * One step of a barrier; null once it is over. A queue is done with when twice, under its lock,
 * no batch waits and none runs: the first time, what is in NEW becomes the batch; the second time,
 * that batch is over. What is queued meanwhile is not waited for, save with that batch.
 */
export function tryBarrier(
  thread: Thread,
  callbacks: CallbackTable,
  barrier: Barrier,
): Barrier | null {
  const { heap, mem } = thread;
  const { queue, moved, left } = barrier;
  throwIfBroken(heap);
  if (queue >= threadsHigh(heap)) return left === 0 ? null : beginBarrier(left);
  serveQueue(thread, callbacks, queue, BATCH_MAX);
  const record = threadRecord(heap, queue);
  const lock = at(record, THREAD.QUEUE_LOCK);
  if (mem.cas(lock, 0, thread.id + 1) !== 0) return barrier;
  const waiting = at(record, THREAD.QUEUE_WAITING);
  // OBSERVE(callback-end): without a runner, all that the callbacks did is visible, and what they
  // put back.
  const idle =
    mem.load(waiting) === 0 &&
    someThread(heap, at(record, THREAD.QUEUE_RUNNERS)) === null &&
    mem.load(at(record, THREAD.QUEUE_REFUSED)) === 0;
  if (idle && !moved) refill(thread, record);
  const done = idle && mem.load(waiting) === 0;
  mem.store(lock, 0);
  if (done) return { queue: (queue + 1) as ThreadId, moved: false, left };
  return idle && !moved ? { queue, moved: true, left } : barrier;
}

/** Goes on with a barrier until it would have to wait, which it returns; null: it is over. */
export function runBarrier(
  thread: Thread,
  callbacks: CallbackTable,
  from: Barrier,
): Barrier | null {
  for (let barrier = from; ; ) {
    const next = tryBarrier(thread, callbacks, barrier);
    if (next === null || next === barrier) return next;
    barrier = next;
  }
}

/**
 * A wait until all that was freed before the call has come back: every callback that was queued has
 * run, on whatever thread, and those that it queued.
 */
export function waitForCallbacks(
  thread: Thread,
  callbacks: CallbackTable,
  barriers: number = BARRIERS,
): Wait {
  let barrier: Barrier | null = beginBarrier(barriers);
  return {
    isOver: () => {
      if (barrier !== null) barrier = runBarrier(thread, callbacks, barrier);
      return barrier === null;
    },
    heldUp: () => barrier && heldUpBarrier(thread.heap, barrier),
  };
}

/** The same. Blocks. Throws `UsageError` where it could never end. */
export function rcuBarrier(thread: Thread, callbacks: CallbackTable): void {
  refuseWait(thread, 'barrier', 'barrierAsync');
  blockUntil(thread, waitForCallbacks(thread, callbacks).isOver);
}
