/**
 * Queues after a thread has died that moved heads: each head is put where a taker finds it, once.
 *
 * Whoever does this acts as the dead thread, in its record and under its number: if it dies too,
 * the next one finds the same, and goes on from there. Which places a head can be in for an
 * instant, and which of them counts, stands in queue.ts.
 */
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Thread, threadRecord, threadsHigh } from '../mem/heap.js';
import { RCU_HEAD, THREAD } from '../mem/layout.js';
import { threadInside } from '../mem/lock.js';
import { headsOf } from '../mem/places.js';
import { removeThread } from '../mem/thread-set.js';
import { graceAhead } from './grace-period.js';
import { push, putBack } from './queue.js';
import { RECLAIMERS } from './reclaim.js';

/** How long to sleep before another look at a queue that another thread is at, in milliseconds. */
const LOOK_MS = 1;

/**
 * Lets go of the queues that a dead thread was at, queues the head that it was queueing, and finds
 * out whether the head whose callback it ran was put back. False: another thread is at the queue
 * for longer than `dead` waits. Context: `dead` makes no step any more, the locks that it held are
 * still its own, and nobody else recovers what it left.
 */
export function repairQueues(dead: Thread): boolean {
  const high = threadsHigh(dead.heap);
  for (let queue = 0; queue < high; queue++) {
    const lock = at(threadRecord(dead.heap, queue as ThreadId), THREAD.QUEUE_LOCK);
    if (threadInside(dead.mem.load(lock)) === dead.id) unlock(dead, queue as ThreadId);
  }
  return finishPush(dead) && finishPutBack(dead);
}

/** Lets go of a queue in which nothing is half done: what was begun is taken back. */
function unlock({ heap, mem, record: own }: Thread, queue: ThreadId): void {
  const record = threadRecord(heap, queue);
  const waiting = at(record, THREAD.QUEUE_WAITING);
  const first = mem.load(waiting) as Word | 0;
  const rest = at(own, THREAD.REST);
  if (first !== 0 && first === mem.peek(rest)) {
    // The chain was not taken.
    mem.poke(rest, 0);
  } else if (first !== 0 && isInStacks({ heap, mem }, record, first)) {
    // The stack did not become the batch.
    mem.store(waiting, 0);
  }
  mem.store(at(record, THREAD.QUEUE_LOCK), 0);
}

type Words = Pick<Thread, 'heap' | 'mem'>;

function isInStacks(words: Words, record: Word, head: Word): boolean {
  const { mem } = words;
  const [newest, refused] = [at(record, THREAD.QUEUE_NEW), at(record, THREAD.QUEUE_REFUSED)];
  return (
    isBelow(words, mem.load(newest) as Word | 0, head) ||
    isBelow(words, mem.load(refused) as Word | 0, head)
  );
}

/** Whether a chain has a head. Context: its queue locked, so that none is taken out. */
function isBelow({ heap, mem }: Words, first: Word | 0, head: Word): boolean {
  let left = headsOf(heap);
  for (let each = first; each !== 0 && left > 0; left--) {
    if (each === head) return true;
    each = mem.peek(at(each, RCU_HEAD.NEXT)) as Word | 0;
  }
  return false;
}

/** Waits for a queue as for no other reason: there is nobody who could do this in our place. */
function lockQueue({ mem, id, lockWaits }: Thread, record: Word): boolean {
  const lock = at(record, THREAD.QUEUE_LOCK);
  for (let waitedMs = 0; waitedMs <= lockWaits.stallMs; waitedMs += LOOK_MS) {
    const found = mem.cas(lock, 0, id + 1);
    if (found === 0) return true;
    mem.awaitChange(lock, found, LOOK_MS);
  }
  return false;
}

/** Queues the head that the thread was queueing, unless that is done. */
function finishPush(dead: Thread): boolean {
  const { heap, mem, record } = dead;
  const pushing = at(record, THREAD.PUSHING);
  const head = mem.peek(pushing) as Word | 0;
  if (head === 0) return true;
  if (!lockQueue(dead, record)) return false;
  if (!isPushed(dead, head)) {
    // Another grace period than the thread had in mind, which is as good: nothing was freed since.
    const ahead = graceAhead(heap);
    mem.poke(at(record, THREAD.PUSHING_FOR), ahead);
    mem.poke(head, ahead);
    // Whether the top was pushed is known only now: it may be what the thread has noted already.
    mem.poke(at(record, THREAD.QUEUE_PUSHED), mem.load(at(record, THREAD.QUEUE_NEW)));
    push(dead, head);
  }
  mem.poke(at(record, THREAD.RUNNING), 0);
  mem.poke(pushing, 0);
  mem.store(at(record, THREAD.QUEUE_LOCK), 0);
  return true;
}

function isPushed({ mem, record }: Thread, head: Word): boolean {
  if (mem.load(at(record, THREAD.QUEUE_NEW)) === head) return true;
  const top = mem.peek(at(record, THREAD.QUEUE_TOP));
  const topFor = mem.peek(at(record, THREAD.QUEUE_TOP_FOR));
  return top === head && topFor === mem.peek(at(record, THREAD.PUSHING_FOR));
}

/** Finds out whether the thread's head was put back, or is of the REST still. */
function finishPutBack(dead: Thread): boolean {
  const { mem, record: own } = dead;
  const running = at(own, THREAD.RUNNING);
  const head = mem.peek(running) as Word | 0;
  if (head === 0) return true;
  if (head === mem.peek(at(own, THREAD.REST))) {
    mem.poke(running, 0);
    return true;
  }
  const queue = threadRecord(dead.heap, (mem.peek(at(own, THREAD.IN_CALLBACK)) - 1) as ThreadId);
  if (!lockQueue(dead, queue)) return false;
  const waiting = mem.load(at(queue, THREAD.QUEUE_WAITING)) as Word | 0;
  const isBack =
    mem.load(at(own, THREAD.PUT_BACK)) === head ||
    isBelow(dead, waiting, head) ||
    isInStacks(dead, queue, head);
  if (isBack) mem.poke(running, 0);
  mem.store(at(queue, THREAD.QUEUE_LOCK), 0);
  return true;
}

/**
 * Puts back the heads that a dead thread had still to run, and that whose callback it ran, if this
 * has changed nothing. Context: as repairQueues, which was called before.
 */
export function putBackRest(dead: Thread): void {
  const { heap, mem, record: own } = dead;
  const queue = mem.peek(at(own, THREAD.IN_CALLBACK)) - 1;
  if (queue < 0) return;
  const record = threadRecord(heap, queue as ThreadId);
  const [running, rest] = [at(own, THREAD.RUNNING), at(own, THREAD.REST)];
  const unbegun = mem.peek(running) as Word | 0;
  if (unbegun !== 0) putBack(dead, record, unbegun);
  const end = mem.peek(at(own, THREAD.REST_END));
  let left = headsOf(heap);
  for (let head = mem.peek(rest) as Word | 0; head !== 0 && head !== end && left > 0; left--) {
    const next = mem.peek(at(head, RCU_HEAD.NEXT)) as Word | 0;
    mem.poke(running, head);
    mem.poke(rest, next);
    putBack(dead, record, head);
    head = next;
  }
  mem.poke(rest, 0);
  removeThread(mem, at(record, THREAD.QUEUE_RUNNERS), dead.id);
  mem.poke(at(own, THREAD.IN_CALLBACK), 0);
}

/**
 * The end of a recovery: nothing in the dead thread's record says any more that it does something,
 * its section is over, and another thread may have the record.
 */
export function leaveFor({ mem, id, record }: Thread): void {
  removeThread(mem, RECLAIMERS, id);
  mem.poke(at(record, THREAD.NESTING), 0);
  mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 0);
  mem.store(at(record, THREAD.SLEEPS_FOR), 0);
  // PUBLISH(section-end): last of all. Until then no fragment could become free that the thread may
  // have had to do with.
  mem.store(at(record, THREAD.READER), 0);
  mem.store(at(record, THREAD.ATTACHED), 0);
}
