/** What threads do in lock.test.ts. */
import { acquire, breakRule, release, SLEEPERS } from '#src/core/mem/lock.js';

const HELD = 0;
const DONE = 1;

const pause = new Int32Array(new SharedArrayBuffer(4));

function sleep(ms) {
  Atomics.wait(pause, 0, 0, ms);
}

function announceHeld(words) {
  Atomics.store(words, HELD, 1);
  Atomics.notify(words, HELD);
}

function awaitHeld(words) {
  Atomics.wait(words, HELD, 0);
}

/** Waits until somebody says in the lock that it is about to sleep. */
function awaitSleeper({ mem }, lock) {
  while ((mem.load(lock) & SLEEPERS) === 0) sleep(1);
}

/** Adds to a plain word, which only the lock makes right. */
export function increment(thread, { lock, word, times }) {
  const { mem } = thread;
  for (let i = 0; i < times; i++) {
    acquire(thread, lock);
    mem.poke(word, mem.peek(word) + 1);
    release(thread, lock);
  }
  return times;
}

/** Holds the lock for 50 ms and longer, until somebody waits; returns what was in its word. */
export function hold(thread, { lock }, words) {
  acquire(thread, lock);
  announceHeld(words);
  sleep(50);
  awaitSleeper(thread, lock);
  const word = thread.mem.load(lock);
  release(thread, lock);
  return word;
}

/** The same for who waits on a thread that can't sleep: S is not all there is to see. */
export function holdFor(thread, { lock, ms }, words) {
  acquire(thread, lock);
  announceHeld(words);
  sleep(ms);
  const others = Atomics.load(words, DONE);
  release(thread, lock);
  return others;
}

/** Lets go of the lock when somebody sleeps for it, and the wake-up goes to one who is dead. */
export function holdThenWakeNobody(thread, { lock }, words) {
  acquire(thread, lock);
  announceHeld(words);
  awaitSleeper(thread, lock);
  sleep(20);
  return thread.mem.exchange(lock, 0) & ~SLEEPERS;
}

export function takeOnce(thread, { lock }, words) {
  awaitHeld(words);
  acquire(thread, lock);
  Atomics.add(words, DONE, 1);
  const word = thread.mem.load(lock);
  release(thread, lock);
  return word & ~SLEEPERS;
}

/** Finds a broken rule while others sleep for the lock that it holds. */
export function breakWhileHeld(thread, { lock }, words) {
  acquire(thread, lock);
  announceHeld(words);
  awaitSleeper(thread, lock);
  sleep(20);
  return breakRule(thread.heap, 4, 'planted');
}
