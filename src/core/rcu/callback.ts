/**
 * Callbacks: what runs once a grace period is over. Nothing here allocates memory.
 *
 * An rcu head lies in the record that it serves (ptdesc, mm). Its word WAITS_FOR:
 *
 *    31 30                                            0
 *   +--+-----------------------------------------------+
 *   |0 |     grace period that it waits for, 0 none     |
 *   +--+-----------------------------------------------+
 *
 *   IDLE    0             nobody waits
 *   QUEUED  grace period  in a queue, or its callback is about to run: not before that is over
 *
 *   IDLE -> QUEUED    callRcu, by whoever may write the record (frag: who has the owner's lock)
 *   QUEUED -> QUEUED  callRcu by the callback; the callback refuses, and is to run once more
 *   QUEUED -> IDLE    the callback
 *
 * WAITS_FOR, NEXT and CALLBACK are plain: written and read by whoever may write the record, and by
 * the one runner that took the head out of its queue. The runner does not mark the head: a grace
 * period that is over has begun, which is all that a free must know (P10). Bit 31 is kept for such
 * a mark.
 *
 * Each thread's record has a queue in two stages. QUEUE_NEW is a stack: pushed by its thread, by
 * CAS, and taken whole. QUEUE_WAITING is a batch that came out of NEW and waits for QUEUE_RIPE_AT,
 * the latest grace period of any head in it. QUEUE_RUNNING counts the threads that run callbacks
 * out of this queue. QUEUE_REFUSED is a stack of heads whose callbacks would have had to wait too
 * long for a lock: who has it may be dead, and whoever runs callbacks has others to run. They are
 * the next batch, and nothing of them is written but NEXT. QUEUE_LOCK is only ever tried, never
 * waited for: who fails leaves the work to who holds it. Any thread may take from any queue, so
 * nothing is stuck behind a thread that left, sleeps, or sits in its event loop.
 *
 * Callbacks are unordered and may run on two threads at once. They may call callRcu. They don't
 * run inside each other, nor under a lock.
 */
import { assertAtImport } from '../base/assert.js';
import { UsageError } from '../base/errors.js';
import type { GracePeriod, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, Thread } from '../mem/heap.js';
import { threadRecord, threadsHigh, withLockWaits } from '../mem/heap.js';
import { RCU_HEAD, THREAD } from '../mem/layout.js';
import { headsOf } from '../mem/places.js';
import { advanceGrace, GP_COMPLETED, graceAhead, graceEnded } from './grace-period.js';
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
const { QUEUE_NEW, QUEUE_PUSHED, QUEUED } = THREAD;

assertAtImport(RCU_HEAD.WAITS_FOR === 0, 'WAITS_FOR is not the first word of an rcu head');

/**
 * Queues `head` so that its callback runs after a grace period that begins after this call. The
 * head must be idle, or this be its own callback. Wait-free; never runs a callback. Context: any,
 * a read section, a callback and a held lock included.
 */
export function callRcu(thread: Thread, head: Word, callback: number): void {
  const { mem, record } = thread;
  mem.poke((head + CALLBACK) as Word, callback);
  mem.poke(head, graceAhead(thread.heap));
  // Only this thread pushes here, so the top is what it pushed last, or 0 if that was taken.
  const newest = (record + QUEUE_NEW) as Word;
  const pushed = (record + QUEUE_PUSHED) as Word;
  const below = mem.peek(pushed);
  mem.poke((head + NEXT) as Word, below);
  mem.poke(pushed, head);
  const queued = (record + QUEUED) as Word;
  mem.poke(queued, (mem.peek(queued) + 1) | 0);
  // PUBLISH(queue): CALLBACK, WAITS_FOR and NEXT are plain, and so is what the caller wrote under
  // its lock.
  if (mem.cas(newest, below, head) === below) return;
  mem.poke((head + NEXT) as Word, 0);
  mem.store(newest, head);
}

/** Runs the callback of a head that was taken out of its queue, its grace period over. */
export function runCallback(thread: Thread, callbacks: CallbackTable, head: Word): void {
  enterBriefly(thread);
  const callback = callbacks[thread.mem.peek(at(head, RCU_HEAD.CALLBACK))] as Callback;
  callback(thread, head);
  leaveBriefly(thread);
}

/**
 * Takes up to `max` heads that may run out of a thread's queue, and counts in QUEUE_RUNNING: from
 * then on the thread is inside a callback, until endChain. Returns the first of a chain through
 * NEXT; 0 when nothing is ripe or another thread is at it.
 */
export function takeRipe(thread: Thread, queue: ThreadId, max: number): Word | 0 {
  const { mem, heap } = thread;
  const record = threadRecord(heap, queue);
  const lock = at(record, THREAD.QUEUE_LOCK);
  if (mem.cas(lock, 0, thread.id + 1) !== 0) return 0;
  const waiting = at(record, THREAD.QUEUE_WAITING);
  if (mem.load(waiting) === 0) refill(thread, record);
  const first = mem.load(waiting) as Word | 0;
  const ripeAt = mem.peek(at(record, THREAD.QUEUE_RIPE_AT)) as GracePeriod;
  const ripe = first !== 0 && graceEnded(heap, ripeAt);
  if (ripe) {
    mem.store(waiting, cutAfter(thread, record, first, max));
    // Before it is counted, until after: whoever dies in between is named as what a barrier waits
    // for. Reports alone read it from elsewhere.
    mem.poke(at(thread.record, THREAD.IN_CALLBACK), queue + 1);
    mem.add(at(record, THREAD.QUEUE_RUNNING), 1);
  }
  mem.store(lock, 0);
  return ripe ? first : 0;
}

/** Moves REFUSED, or all of NEW, to WAITING. Context: QUEUE_LOCK held, WAITING empty. */
export function refill(thread: Thread, record: Word): void {
  const { mem } = thread;
  if (mem.load(at(record, THREAD.QUEUE_REFUSED)) !== 0) {
    // OBSERVE(queue): pairs with the CAS in putBack. Its heads' grace periods are long over.
    const refused = mem.exchange(at(record, THREAD.QUEUE_REFUSED), 0);
    mem.poke(at(record, THREAD.QUEUE_RIPE_AT), mem.load(GP_COMPLETED));
    mem.store(at(record, THREAD.QUEUE_WAITING), refused);
    return;
  }
  // OBSERVE(queue): pairs with the CAS in callRcu.
  const newest = mem.exchange(at(record, THREAD.QUEUE_NEW), 0) as Word | 0;
  if (newest === 0) return;
  // Only the record's own thread pushes, and the numbers that it reads never go back: the top
  // of the stack waits longest.
  mem.poke(at(record, THREAD.QUEUE_RIPE_AT), mem.peek(at(newest, RCU_HEAD.WAITS_FOR)));
  mem.store(at(record, THREAD.QUEUE_WAITING), newest);
}

/**
 * Ends a chain after at most `max` heads, and counts them as taken; returns the first of the rest,
 * or 0. Context: QUEUE_LOCK held.
 */
function cutAfter(thread: Thread, record: Word, first: Word, max: number): Word | 0 {
  const { mem } = thread;
  // A queue that is a circle, in a damaged heap, would have no end.
  const most = Math.min(max, headsOf(thread.heap));
  let last = first;
  let rest = mem.peek((last + NEXT) as Word) as Word | 0;
  let count = 1;
  while (rest !== 0 && count < most) {
    last = rest;
    rest = mem.peek((last + NEXT) as Word) as Word | 0;
    count++;
  }
  mem.poke((last + NEXT) as Word, 0);
  // Added, for a runner may be putting heads back, without the lock.
  mem.add(at(record, THREAD.QUEUE_TAKEN), count);
  return rest;
}

/** Puts a head whose callback refused where the queue's next taker finds it. */
function putBack({ mem }: Thread, record: Word, head: Word): void {
  // It will be taken, and counted, once more.
  mem.add(at(record, THREAD.QUEUE_TAKEN), -1);
  const refused = at(record, THREAD.QUEUE_REFUSED);
  let below = mem.load(refused);
  for (;;) {
    mem.poke((head + NEXT) as Word, below);
    // PUBLISH(queue): NEXT is plain.
    const found = mem.cas(refused, below, head);
    if (found === below) return;
    below = found;
  }
}

/** Runs the callbacks of a chain from takeRipe; returns how many. */
function runChain(thread: Thread, callbacks: CallbackTable, queue: ThreadId, first: Word): number {
  const { mem } = thread;
  // One section around them all: it delays a grace period no longer than `max` callbacks take.
  enterBriefly(thread);
  let count = 0;
  let runner = thread;
  let head: Word | 0 = first;
  // No chain is longer. In a damaged heap a callback may write where the chain goes on.
  for (let left = headsOf(thread.heap); head !== 0 && left > 0; left--) {
    // Read before the callback: it may queue the head again.
    const next = mem.peek((head + NEXT) as Word) as Word | 0;
    const callback = callbacks[mem.peek((head + CALLBACK) as Word)] as Callback;
    if (callback(runner, head) === REFUSED) {
      putBack(thread, threadRecord(thread.heap, queue), head);
      // One wait for a chain: its other heads may well need the same lock.
      runner = withLockWaits(thread, { ...thread.lockWaits, stallMs: 0 });
    } else {
      count++;
    }
    head = next;
  }
  leaveBriefly(thread);
  return count;
}

/** Says that all of a chain from takeRipe has run. */
function endChain({ mem, heap, record }: Thread, queue: ThreadId): void {
  // PUBLISH(callback-end): a barrier that sees this at 0 sees all that the callbacks did, and what
  // was put back.
  mem.add(at(threadRecord(heap, queue), THREAD.QUEUE_RUNNING), -1);
  mem.poke(at(record, THREAD.IN_CALLBACK), 0);
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

/** Whether a thread's queue has heads in it: a hint, for nothing is locked. */
export function hasCallbacks(heap: Heap, queue: ThreadId): boolean {
  const record = threadRecord(heap, queue);
  const { mem } = heap;
  return (
    mem.load(at(record, THREAD.QUEUE_WAITING)) !== 0 ||
    mem.load(at(record, THREAD.QUEUE_NEW)) !== 0 ||
    mem.load(at(record, THREAD.QUEUE_REFUSED)) !== 0
  );
}

/**
 * How many heads a thread has queued that nobody took yet to run: what it owes. Two counts, both of
 * which wrap.
 */
export function owedBy({ mem, record }: Thread): number {
  return (mem.peek(at(record, THREAD.QUEUED)) - mem.load(at(record, THREAD.QUEUE_TAKEN))) | 0;
}

/** How many heads a thread has queued in all: a count that wraps. Context: the thread itself. */
export function queuedBy({ mem, record }: Thread): number {
  return mem.peek(at(record, THREAD.QUEUED));
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
