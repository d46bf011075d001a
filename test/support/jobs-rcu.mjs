/** What threads do in rcu-threads.test.ts. */
import { CALLBACKS } from '#src/core/frag/callback.js';
import { callRcu, poll } from '#src/core/rcu/callback.js';
import { graceAhead } from '#src/core/rcu/grace-period.js';
import { hasCallbacks } from '#src/core/rcu/queue.js';
import { quiescent, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { reclaim, stopReclaimers } from '#src/core/rcu/reclaim.js';
import { rcuBarrier, synchronizeRcu, tryGrace } from '#src/core/rcu/wait.js';

/** Steps of a spinning writer between two short sleeps, which let a reader run on one CPU. */
const STEPS = 500;

const pause = new Int32Array(new SharedArrayBuffer(4));

const DONE = 0;
const RUNNING = 1;
const SEEN = 1;
const FINISHED = 2;

/**
 * The writer of the litmus test: x = n; grace period; y = n. A reader that finds y = n and x older
 * was inside through a whole grace period that began after x was written. It goes on until the
 * reader has seen enough, for threads start when they like.
 */
export function writeLitmus(thread, { x, y, rounds, enough, how }, words) {
  const { mem } = thread;
  let n = 1;
  for (; n <= rounds || Atomics.load(words, SEEN) < enough; n++) {
    mem.store(x, n);
    if (how === 'sleep') synchronizeRcu(thread);
    else if (how === 'spin') spinForGrace(thread);
    mem.store(y, n);
  }
  Atomics.store(words, DONE, 1);
  return n;
}

function spinForGrace(thread) {
  const n = graceAhead(thread.heap);
  for (let step = 1; !tryGrace(thread, n); step++) {
    if (step % STEPS === 0) Atomics.wait(pause, 0, 0, 0.05);
  }
}

/** The reader: sections of different lengths until the writer is done. Says what it has seen. */
export function readLitmus(thread, { x, y, dwell, says }, words) {
  const { mem } = thread;
  const seen = { sections: 0, violations: 0, changes: 0 };
  let last = 0;
  for (; Atomics.load(words, DONE) === 0; seen.sections++) {
    rcuReadLock(thread);
    const r1 = mem.load(x);
    for (let i = seen.sections % dwell; i > 0; i--) mem.load(x);
    const r2 = mem.load(y);
    rcuReadUnlock(thread);
    quiescent(thread);
    if (r2 > r1) seen.violations++;
    if (r1 !== last) seen.changes++;
    last = r1;
    Atomics.store(words, SEEN, seen[says]);
  }
  return seen;
}

/** Runs one callback that takes as long as the main thread wants. */
export function runSlowly(thread, { head }, words) {
  const { mem } = thread;
  callRcu(thread, head, 0);
  const slow = (_, which) => {
    Atomics.store(words, RUNNING, 1);
    Atomics.notify(words, RUNNING);
    Atomics.wait(words, DONE, 0, 50);
    mem.poke(which, 0);
    Atomics.store(words, FINISHED, 1);
  };
  while (hasCallbacks(thread.heap, thread.id)) poll(thread, [slow], 1);
  return true;
}

/** Waits, while that runs, for all callbacks; returns whether it had finished by then. */
export function barrierMeanwhile(thread, _, words) {
  Atomics.wait(words, RUNNING, 0);
  rcuBarrier(thread, CALLBACKS);
  return Atomics.load(words, FINISHED);
}

/** Queues heads over and over, each as soon as its callback has run; never polls. */
export function queueOften(thread, { first, count, rounds }, words) {
  const { mem, heap } = thread;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < count; i++) {
      const head = first + 4 * i;
      while (mem.load(head) !== 0) Atomics.wait(words, DONE, 0, 1);
      callRcu(thread, head, 0);
    }
  }
  while (hasCallbacks(heap, thread.id)) Atomics.wait(words, DONE, 0, 1);
  Atomics.add(words, FINISHED, 1);
  return count * rounds;
}

/** Tells reclaimers to stop when so many others have finished. */
export function stopAfter({ heap }, { others }, words) {
  while (Atomics.load(words, FINISHED) < others) Atomics.wait(words, DONE, 0, 1);
  stopReclaimers(heap);
  return true;
}

/** Runs everybody's callbacks until told to stop; returns how many ran. */
export function reclaimAll(thread) {
  const { mem } = thread;
  return reclaim(thread, [(_, head) => mem.store(head, 0)]);
}
