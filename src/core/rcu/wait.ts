/**
 * Waiting for grace periods and callbacks.
 *
 * A wait is a loop of bounded steps (`tryGrace`, `tryBarrier`), each of which does what can be
 * done now; between steps the thread sleeps on GP_COMPLETED, with a time-out because a reader that
 * leaves does not notify (it would cost every reader 40 ns). The asynchronous twins in src/api run
 * the same steps.
 */
import { UsageError } from '../base/errors.js';
import type { GracePeriod, ThreadId } from '../base/units.js';
import { at } from '../base/units.js';
import { type Thread, threadRecord, threadsHigh } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';
import { throwIfBroken } from '../mem/lock.js';
import { type CallbackTable, refill, refuseInside, serveQueue } from './callback.js';
import { advanceGrace, GP_COMPLETED, graceAhead, graceEnded } from './grace-period.js';
import { quiescent, rcuOffline } from './reader.js';

/** The longest sleep between two looks, in milliseconds. */
export const LOOK_MS_MAX = 1;

/** Callbacks that one step runs of one queue, at most. */
const BATCH_MAX = 32;

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
export function sleepForGrace(thread: Thread): void {
  const { mem } = thread;
  rcuOffline(thread);
  mem.awaitChange(GP_COMPLETED, mem.load(GP_COMPLETED), LOOK_MS_MAX);
}

/**
 * Waits for a grace period that begins after the call: every section that any thread is in now
 * has been left. Blocks. Throws `UsageError` where it could never end.
 */
export function synchronizeRcu(thread: Thread): void {
  refuseWait(thread, 'synchronize', 'synchronizeAsync');
  const n = graceAhead(thread.heap);
  while (!tryGrace(thread, n)) sleepForGrace(thread);
}

/** How far a barrier has got: plain data, the caller's own. */
export interface Barrier {
  /** Whose queue is being waited for; those of lower threads are done. */
  readonly queue: ThreadId;
  /** Whether all that was in the queue is now in the batch that waits or runs, or done. */
  readonly moved: boolean;
}

export function beginBarrier(): Barrier {
  return { queue: 0 as ThreadId, moved: false };
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
  const { queue, moved } = barrier;
  throwIfBroken(heap);
  if (queue >= threadsHigh(heap)) return null;
  serveQueue(thread, callbacks, queue, BATCH_MAX);
  const record = threadRecord(heap, queue);
  const lock = at(record, THREAD.QUEUE_LOCK);
  if (mem.cas(lock, 0, thread.id + 1) !== 0) return barrier;
  const waiting = at(record, THREAD.QUEUE_WAITING);
  // OBSERVE(callback-end): at 0, all that the callbacks did is visible, and what they put back.
  const idle =
    mem.load(waiting) === 0 &&
    mem.load(at(record, THREAD.QUEUE_RUNNING)) === 0 &&
    mem.load(at(record, THREAD.QUEUE_REFUSED)) === 0;
  if (idle && !moved) refill(thread, record);
  const done = idle && mem.load(waiting) === 0;
  mem.store(lock, 0);
  if (done) return { queue: (queue + 1) as ThreadId, moved: false };
  return idle && !moved ? { queue, moved: true } : barrier;
}

/**
 * Waits until every callback that was queued before the call has run, on whatever thread. Blocks.
 * Throws `UsageError` where it could never end.
 */
export function rcuBarrier(thread: Thread, callbacks: CallbackTable): void {
  refuseWait(thread, 'barrier', 'barrierAsync');
  quiescent(thread);
  let barrier: Barrier | null = beginBarrier();
  while (barrier !== null) {
    const before: Barrier = barrier;
    barrier = tryBarrier(thread, callbacks, before);
    if (barrier === before) sleepForGrace(thread);
  }
}
