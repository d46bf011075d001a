/**
 * Callbacks: what runs once a grace period is over. Nothing here allocates memory.
 *
 * An rcu head lies in the record that it serves (ptdesc, mm). Its word WAITS_FOR:
 *
 *   IDLE    0             nobody waits
 *   QUEUED  grace period  in a queue, or its callback is about to run: not before that is over
 *
 *   IDLE -> QUEUED    callRcu, by whoever may write the record (frag: who has the owner's lock)
 *   QUEUED -> QUEUED  callRcu by the callback; the callback refuses, and is to run once more
 *   QUEUED -> IDLE    the callback
 *
 * WAITS_FOR, NEXT and CALLBACK are plain: written and read by whoever may write the record, and by
 * the one runner that took the head out of its queue (queue.ts). The runner does not mark the head:
 * a grace period that is over has begun, which is all that a free must know (P10).
 *
 * Callbacks are unordered and may run on two threads at once. They may call callRcu. They don't
 * run inside each other, nor under a lock.
 */
import { assertAtImport } from '../base/assert.js';
import { UsageError } from '../base/errors.js';
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Thread } from '../mem/heap.js';
import { threadRecord, threadsHigh, withLockWaits } from '../mem/heap.js';
import { RCU_HEAD, THREAD } from '../mem/layout.js';
import { breakRule } from '../mem/lock.js';
import { headsOf } from '../mem/places.js';
import { advanceGrace, graceAhead } from './grace-period.js';
import { endChain, hasCallbacks, push, putBack, takeRipe } from './queue.js';
import { enterBriefly, isReading, leaveBriefly, quiescent, refuseReader } from './reader.js';

/**
 * Runs, inside a read section, for a head whose grace period is over; must leave the head idle or
 * queued again, or have changed nothing and return REFUSED: then it runs once more, later.
 */
export type Callback = (thread: Thread, head: Word) => unknown;

export const REFUSED = 'refused';

/** How long a callback waits for a lock, at most, before it refuses. */
const CALLBACK_LOCK_MS = 5;

/** The same of a thread that may be less patient. */
export function callbackPatience({ lockWaits }: Thread): number {
  return Math.min(lockWaits.stallMs, CALLBACK_LOCK_MS);
}

/** Functions don't cross threads: a head names its callback by an index into this table. */
export type CallbackTable = readonly Callback[];

export const HEAD_IDLE = 0;

// Consts of this module, as mem/layout.ts says. WAITS_FOR is a head's first word.
const { NEXT, CALLBACK } = RCU_HEAD;
const { PUSHING, PUSHING_FOR, RUNNING } = THREAD;

assertAtImport(RCU_HEAD.WAITS_FOR === 0, 'WAITS_FOR is not the first word of an rcu head');

/**
 * Queues `head` so that its callback runs after a grace period that begins after this call. The
 * head must be idle, or this be its own callback. Wait-free; never runs a callback. Context: any,
 * a read section, a callback and a held lock included.
 */
export function callRcu(thread: Thread, head: Word, callback: number): void {
  const { mem, record } = thread;
  mem.poke((head + CALLBACK) as Word, callback);
  const ahead = graceAhead(thread.heap);
  // In this order: if the thread dies here, whoever recovers what it left queues the head (P6).
  mem.poke((record + PUSHING_FOR) as Word, ahead);
  mem.poke((record + PUSHING) as Word, head);
  mem.poke((record + RUNNING) as Word, 0);
  mem.poke(head, ahead);
  push(thread, head);
  mem.poke((record + PUSHING) as Word, 0);
}

/**
 * Says that nobody waits for a head any more, by its callback. Context: the record is the
 * callback's or under its lock, until later: then somebody may queue the head again.
 */
export function settle({ mem, record }: Thread, head: Word): void {
  mem.poke(head, HEAD_IDLE);
  mem.poke((record + RUNNING) as Word, 0);
}

/** Runs the callback of a head that was taken out of its queue, its grace period over. */
export function runCallback(thread: Thread, callbacks: CallbackTable, head: Word): void {
  enterBriefly(thread);
  const callback = callbacks[thread.mem.peek(at(head, RCU_HEAD.CALLBACK))] as Callback;
  callback(thread, head);
  leaveBriefly(thread);
}

/** Runs the callbacks of a chain from takeRipe; returns how many. */
function runChain(thread: Thread, callbacks: CallbackTable, queue: ThreadId, first: Word): number {
  const { heap, mem, record } = thread;
  const running = at(record, THREAD.RUNNING);
  const rest = at(record, THREAD.REST);
  // One section around them all: it delays a grace period no longer than `max` callbacks take.
  enterBriefly(thread);
  let count = 0;
  let runner = thread;
  let head: Word | 0 = first;
  // No chain is longer. In a damaged heap a callback may write where the chain goes on.
  for (let left = headsOf(heap); head !== 0 && left > 0; left--) {
    // Read before the callback: it may queue the head again.
    const next = mem.peek((head + NEXT) as Word) as Word | 0;
    // The callback takes RUNNING back when it has settled what becomes of the head. While REST is
    // the same, it has not begun.
    mem.poke(running, head);
    mem.poke(rest, next);
    const callback = callbacks[mem.peek((head + CALLBACK) as Word)];
    if (callback === undefined) return breakRule(heap, 12, 'a head names no callback', head);
    if (callback(runner, head) === REFUSED) {
      putBack(thread, threadRecord(heap, queue), head);
      // One wait for a chain: its other heads may well need the same lock.
      runner = withLockWaits(thread, { ...thread.lockWaits, stallMs: 0 });
    } else {
      count++;
    }
    mem.poke(running, 0);
    head = next;
  }
  leaveBriefly(thread);
  return count;
}

/** Whether the thread is inside a callback: no other may run there. */
function isInCallback({ mem, record }: Thread): boolean {
  return mem.peek(at(record, THREAD.IN_CALLBACK)) !== 0;
}

/** Throws `UsageError` inside a read section or a callback: what waits for either can't end. */
export function refuseInside(thread: Thread, what: string): void {
  refuseReader(thread, what);
  if (!isInCallback(thread)) return;
  throw new UsageError('inside-callback', `${what} inside a callback of thread ${thread.id}`);
}

/** Advances grace periods for a thread's queue and runs up to `max` of its ripe callbacks. */
export function serveQueue(
  thread: Thread,
  callbacks: CallbackTable,
  queue: ThreadId,
  max: number,
): number {
  if (!hasCallbacks(thread.heap, queue)) return 0;
  advanceGrace(thread.heap);
  const first = takeRipe(thread, queue, max);
  if (first === 0) return 0;
  const count = runChain(thread, callbacks, queue, first);
  endChain(thread, queue);
  return count;
}

/**
 * A bounded piece of work: the thread's own queue, and one other thread's, each in turn, whatever
 * its own gave: who frees all the time would never come to what an idle thread has left. Up to
 * `max` callbacks of each; returns how many ran. Context: not under a lock; does nothing inside a
 * callback.
 *
 * So a head waits for no more than THREADS_HIGH polls of any one thread, in each of which grace
 * periods advance twice at most: with 256 threads that poll, 2^17 of them. A number counts as over
 * up to 2^30 grace periods later; what was due would have to be passed over for that long to look
 * as if it were still to come.
 */
export function poll(thread: Thread, callbacks: CallbackTable, max: number): number {
  if (isInCallback(thread)) return 0;
  if (!isReading(thread)) quiescent(thread);
  const own = serveQueue(thread, callbacks, thread.id, max);
  const { mem } = thread;
  const cursor = at(thread.record, THREAD.CURSOR);
  const next = mem.peek(cursor) + 1;
  const other = next > 0 && next < threadsHigh(thread.heap) ? next : 0;
  mem.poke(cursor, other);
  return other === thread.id ? own : own + serveQueue(thread, callbacks, other as ThreadId, max);
}

/** `poll` over every thread's queue: what a reclaimer does, and whoever is out of pages. */
export function pollAll(thread: Thread, callbacks: CallbackTable, max: number): number {
  if (isInCallback(thread)) return 0;
  if (!isReading(thread)) quiescent(thread);
  const high = threadsHigh(thread.heap);
  let count = 0;
  for (let queue = 0; queue < high; queue++) {
    count += serveQueue(thread, callbacks, queue as ThreadId, max);
  }
  return count;
}
