/**
 * Queues of rcu heads: each thread's record has one, in two stages. Any thread may take from any
 * queue, so nothing is stuck behind a thread that left, sleeps, or sits in its event loop.
 *
 *   QUEUE_NEW      a stack: pushed by its own thread, by CAS, and taken whole
 *   QUEUE_WAITING  a batch that came out of NEW and waits for QUEUE_RIPE_AT, the latest grace
 *                  period
 *                  of any head in it
 *   QUEUE_REFUSED  a stack of heads whose callbacks would have had to wait too long for a lock: who
 *                  has it may be dead, and whoever runs callbacks has others to run. They are the
 *                  next batch. Pushed by whoever runs callbacks, by CAS
 *   QUEUE_RUNNERS  the threads that run callbacks out of the queue
 *   QUEUE_LOCK     is only ever tried, never waited for: who fails leaves the work to who holds it
 *
 * At any instant each head is in one place by which it can be found, though whoever moves it dies:
 * in a stack or a batch, or in the record of the thread that has it. That is PUSHING while it is
 * queued, REST while it has yet to run, RUNNING while its callback runs. For an instant a head may
 * be in two places, and queue-repair.ts can tell which of them counts:
 *
 *   a stack becomes the batch   WAITING is stored first; while NEW or REFUSED has it too, it is not
 *                               taken yet
 *   a batch becomes REST        REST is stored first; while WAITING begins with the same, it is not
 *                               taken yet
 *   PUSHING becomes NEW         the head is on top of NEW, or QUEUE_TOP and QUEUE_TOP_FOR say that
 *                               it was when NEW was taken: no head is pushed twice for one grace
 *                               period
 *   RUNNING becomes REFUSED     the head is in there or in the batch, or PUT_BACK says that it was
 *                               taken from there: whoever takes it says so to who put it back
 */
import type { GracePeriod, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, Thread } from '../mem/heap.js';
import { threadRecord } from '../mem/heap.js';
import { RCU_HEAD, THREAD } from '../mem/layout.js';
import { headsOf } from '../mem/places.js';
import { addThread, removeThread } from '../mem/thread-set.js';
import { GP_COMPLETED, graceEnded } from './grace-period.js';

// Consts of this module, as mem/layout.ts says. WAITS_FOR is a head's first word.
const { NEXT, CALLBACK } = RCU_HEAD;
const { QUEUE_NEW, QUEUE_PUSHED, QUEUED } = THREAD;

/** Bits of CALLBACK behind which it says who put the head back: the thread's number and 1. */
const PUT_BACK_SHIFT = 8;
const CALLBACK_MASK = (1 << PUT_BACK_SHIFT) - 1;

/** Puts a head on the stack of its thread. Wait-free. Context: PUSHING has it. */
export function push({ mem, record }: Thread, head: Word): void {
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

/**
 * Takes up to `max` heads that may run out of a thread's queue, and is one of its runners then:
 * from then on the thread is inside a callback, until endChain. Returns the first of a chain
 * through NEXT, which is its REST too; 0 when nothing is ripe or another thread is at it.
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
  if (ripe) takeChain(thread, queue, first, max);
  mem.store(lock, 0);
  return ripe ? first : 0;
}

/** Makes up to `max` heads of a batch, from its first, this thread's. Context: QUEUE_LOCK held. */
function takeChain(thread: Thread, queue: ThreadId, first: Word, max: number): void {
  const { mem, heap, record: own } = thread;
  const record = threadRecord(heap, queue);
  // A queue that is a circle, in a damaged heap, would have no end.
  const most = Math.min(max, headsOf(heap));
  let last = first;
  let count = 1;
  for (; count < most; count++) {
    const next = mem.peek((last + NEXT) as Word) as Word | 0;
    if (next === 0) break;
    last = next;
  }
  const rest = mem.peek((last + NEXT) as Word);
  forgetPutBack(thread);
  mem.poke(at(own, THREAD.REST_END), rest);
  mem.poke(at(own, THREAD.REST), first);
  // Before the heads are out of the queue, until they ran: a barrier that finds neither them nor a
  // runner is over.
  mem.poke(at(own, THREAD.IN_CALLBACK), queue + 1);
  addThread(mem, at(record, THREAD.QUEUE_RUNNERS), thread.id);
  mem.store(at(record, THREAD.QUEUE_WAITING), rest);
  // Added, for a runner may be putting heads back, without the lock.
  mem.add(at(record, THREAD.QUEUE_TAKEN), count);
  mem.poke((last + NEXT) as Word, 0);
}

/** What this thread put back before, and whoever took it said so, is not what it will put back. */
function forgetPutBack({ mem, record }: Thread): void {
  const hasPutBack = at(record, THREAD.HAS_PUT_BACK);
  if (mem.peek(hasPutBack) === 0) return;
  mem.store(at(record, THREAD.PUT_BACK), 0);
  mem.poke(hasPutBack, 0);
}

/** Says that all of a chain from takeRipe has run. */
export function endChain({ mem, heap, record, id }: Thread, queue: ThreadId): void {
  mem.poke(at(record, THREAD.REST), 0);
  // PUBLISH(callback-end): a barrier that finds no runner sees all that the callbacks did, and what
  // was put back.
  removeThread(mem, at(threadRecord(heap, queue), THREAD.QUEUE_RUNNERS), id);
  mem.poke(at(record, THREAD.IN_CALLBACK), 0);
}

/** Moves all of REFUSED, or of NEW, to WAITING. Context: QUEUE_LOCK held, WAITING empty. */
export function refill(thread: Thread, record: Word): void {
  const { mem } = thread;
  const refused = at(record, THREAD.QUEUE_REFUSED);
  const waiting = at(record, THREAD.QUEUE_WAITING);
  // OBSERVE(queue): pairs with the CAS in putBack. Its heads' grace periods are long over.
  for (let top = mem.load(refused) as Word | 0; top !== 0; ) {
    sayTaken(thread, top);
    mem.poke(at(record, THREAD.QUEUE_RIPE_AT), mem.load(GP_COMPLETED));
    mem.store(waiting, top);
    const found = mem.cas(refused, top, 0) as Word;
    if (found === top) return;
    top = found;
  }
  const newest = at(record, QUEUE_NEW);
  // OBSERVE(queue): pairs with the CAS in push.
  for (let top = mem.load(newest) as Word | 0; top !== 0; ) {
    // Only the record's own thread pushes, and the numbers that it reads never go back: the top
    // of the stack waits longest.
    const ripeAt = mem.peek(top);
    mem.poke(at(record, THREAD.QUEUE_RIPE_AT), ripeAt);
    mem.poke(at(record, THREAD.QUEUE_TOP), top);
    mem.poke(at(record, THREAD.QUEUE_TOP_FOR), ripeAt);
    mem.store(waiting, top);
    const found = mem.cas(newest, top, 0) as Word;
    if (found === top) return;
    top = found;
  }
}

/** Says to those who put these heads back that they were taken again. Context: QUEUE_LOCK held. */
function sayTaken({ mem, heap }: Thread, first: Word): void {
  let left = headsOf(heap);
  for (let head: Word | 0 = first; head !== 0 && left > 0; left--) {
    const callback = at(head, CALLBACK);
    const said = mem.peek(callback);
    const thread = ((said >>> PUT_BACK_SHIFT) - 1) as ThreadId;
    if (thread >= 0 && thread < heap.threadsMax) {
      mem.store(at(threadRecord(heap, thread), THREAD.PUT_BACK), head);
      mem.poke(callback, said & CALLBACK_MASK);
    }
    head = mem.peek(at(head, NEXT)) as Word | 0;
  }
}

/**
 * Puts the head that this thread is RUNNING, and whose callback has changed nothing, where the
 * queue's next taker finds it.
 */
export function putBack({ mem, id, record: own }: Thread, record: Word, head: Word): void {
  mem.poke(at(own, THREAD.HAS_PUT_BACK), 1);
  const callback = at(head, CALLBACK);
  mem.poke(callback, (mem.peek(callback) & CALLBACK_MASK) | ((id + 1) << PUT_BACK_SHIFT));
  // It will be taken, and counted, once more.
  mem.add(at(record, THREAD.QUEUE_TAKEN), -1);
  const refused = at(record, THREAD.QUEUE_REFUSED);
  let below = mem.load(refused);
  for (;;) {
    mem.poke((head + NEXT) as Word, below);
    // PUBLISH(queue): NEXT and CALLBACK are plain.
    const found = mem.cas(refused, below, head);
    if (found === below) break;
    below = found;
  }
  mem.poke(at(own, THREAD.RUNNING), 0);
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
