/**
 * Debts: what a thread has queued to be freed, and how it works them off while it goes on.
 *
 * Without a thread of its own that reclaims, whoever frees must poll now and then. The more is owed
 * the more one poll runs, as in Linux: else what is freed faster than that piles up.
 */
import { CALLBACKS } from '../core/frag/callback.js';
import type { Thread } from '../core/mem/heap.js';
import { poll } from '../core/rcu/callback.js';
import { owedBy, queuedBy } from '../core/rcu/queue.js';
import { POLL_EVERY, pollInterval } from '../core/rcu/reclaim.js';

/** Callbacks that one poll runs at most, unless more is owed: about 5 microseconds. */
export const POLL_MAX = 32;

/** One poll that keeps up with what the thread owes; returns how many callbacks ran. */
export function payOff(thread: Thread): number {
  return poll(thread, CALLBACKS, Math.max(POLL_MAX, owedBy(thread) >> 1));
}

/**
 * What a long operation calls between two steps, with no lock held: polls when it has queued enough
 * since the last time. So its memory comes back while it goes on.
 */
export function payerOf(thread: Thread): () => void {
  let paid = queuedBy(thread);
  return () => {
    // Our own count first: the interval is a word that others write.
    const queued = (queuedBy(thread) - paid) | 0;
    if (queued < POLL_EVERY || queued < pollInterval(thread.heap)) return;
    payOff(thread);
    // After it: heads that callbacks have queued again wait for another grace period anyway.
    paid = queuedBy(thread);
  };
}
