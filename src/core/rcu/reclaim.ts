/**
 * The optional reclaimer: a thread that does nothing but run callbacks.
 *
 * While one is attached, the others need not poll on their own account. They still do now and then:
 * a reclaimer that is killed stays in RECLAIMERS until somebody recovers what it left.
 */
import type { Word } from '../base/units.js';
import { type Heap, headerWord, type Thread } from '../mem/heap.js';
import { HEAP } from '../mem/layout.js';
import { addThread, removeThread, someThread } from '../mem/thread-set.js';
import { type CallbackTable, pollAll } from './callback.js';
import { quiescent, rcuOffline } from './reader.js';
import { refuseWait } from './wait.js';

/** The set of threads that reclaim. */
export const RECLAIMERS: Word = headerWord(HEAP.RECLAIMERS);
const RECLAIM_STOP = headerWord(HEAP.RECLAIM_STOP);

/** Callbacks that are run of one queue before the next is looked at. */
const BATCH_MAX = 64;

/** How long an idle reclaimer sleeps, in milliseconds: queues do not notify. */
const IDLE_MS = 2;

/** Operations between two polls of a thread without and with a reclaimer. */
export const POLL_EVERY = 16;
const POLL_EVERY_RECLAIMED = 1024;

/** Rounds after a stop, at most: threads that free all the time would keep it from ending. */
const LAST_ROUNDS = 64;

/**
 * Runs callbacks of all threads until `stopReclaimers`, then until none is ripe, or for so many
 * rounds. Returns how many ran. Where reclaimers were stopped before, and not resumed since, there
 * are these last rounds alone: who starts a reclaimer may stop it before it is in here. Blocks;
 * throws `UsageError` inside a reader or a callback.
 */
export function reclaim(thread: Thread, callbacks: CallbackTable): number {
  refuseWait(thread, 'reclaim', 'poll');
  const { mem } = thread;
  addThread(mem, RECLAIMERS, thread.id);
  let count = 0;
  for (let last = 0; last < LAST_ROUNDS; ) {
    const isStopped = mem.load(RECLAIM_STOP) !== 0;
    const ran = pollAll(thread, callbacks, BATCH_MAX);
    count += ran;
    if (isStopped) last = ran > 0 ? last + 1 : LAST_ROUNDS;
    if (ran > 0 || isStopped) continue;
    quiescent(thread);
    rcuOffline(thread);
    mem.awaitChange(RECLAIM_STOP, 0, IDLE_MS);
  }
  removeThread(mem, RECLAIMERS, thread.id);
  return count;
}

/** Lets every reclaimer return, and those that begin before `resumeReclaimers`. */
export function stopReclaimers({ mem }: Heap): void {
  mem.store(RECLAIM_STOP, 1);
  mem.notify(RECLAIM_STOP);
}

/** Lets those that reclaim from now on go on until they are stopped anew. */
export function resumeReclaimers({ mem }: Heap): void {
  mem.store(RECLAIM_STOP, 0);
}

/** After how many frees and sections a thread with callbacks pending should poll. */
export function pollInterval(heap: Heap): number {
  return someThread(heap, RECLAIMERS) === null ? POLL_EVERY : POLL_EVERY_RECLAIMED;
}
