/**
 * Getting what comes back after a grace period: pages, tables, records of mms.
 *
 * An attempt that finds nothing has one of two reasons. What it needs was freed, and waits for its
 * grace period and its callback: then it is only not there yet. Or all of it is in use: then no
 * waiting helps. `tryObtain` finds out which. It runs what is ripe in every thread's queue and
 * tries again; then it waits for callbacks, as a barrier does, and tries after each step. It ends
 * in vain only when whatever had been freed before it began has come back.
 *
 * One barrier is not enough: what is freed while a grace period runs is put off by its page's
 * callback, which asks for the next one. What is freed while we wait may be what we need, too.
 */
import type { ThreadId } from '../base/units.js';
import { type Heap, type Thread, threadsHigh } from '../mem/heap.js';
import { headsOf } from '../mem/places.js';
import { type CallbackTable, pollAll } from './callback.js';
import { hasCallbacks } from './queue.js';
import { BARRIERS, type Barrier, beginBarrier, runBarrier } from './wait.js';

/** Rounds without a callback, after which none will run: one ends a grace period, one the next. */
const IDLE_ROUNDS = 2;

/** Barriers in one step: as often as this, others may free and take what is missing. */
const BARRIERS_MAX = 8;

/** How far it is: plain data, the caller's own. */
export interface Obtaining {
  readonly barrier: Barrier;
  /** Barriers begun, this one included: those before it are over. */
  readonly round: number;
}

/** What a step ended with. After `waits` another one may follow, once others had time to go on. */
export type Obtained<Result> =
  | { readonly kind: 'found'; readonly result: Result }
  | { readonly kind: 'waits'; readonly next: Obtaining }
  | { readonly kind: 'in-vain' };

/**
 * Tries again what found nothing left, after each round of callbacks of all threads, until it finds
 * something or nothing is ripe any more: what ran may have been of others than those that help.
 * Null: in vain, for readers hold up what is left, or nothing is.
 */
export function retryWhileRipe<Result>(
  thread: Thread,
  callbacks: CallbackTable,
  max: number,
  attempt: () => Result | null,
): Result | null {
  // With this many callbacks all that was ripe in the beginning has run; what goes on is others'
  // frees, or a queue that is a circle, in a damaged heap.
  let left = IDLE_ROUNDS * headsOf(thread.heap);
  for (let idle = 0; idle < IDLE_ROUNDS && left > 0; ) {
    const ran = pollAll(thread, callbacks, max);
    const result = attempt();
    if (result !== null) return result;
    idle = ran > 0 ? 0 : idle + 1;
    left -= ran;
  }
  return null;
}

export function beginObtaining(): Obtaining {
  return { barrier: beginBarrier(1), round: 1 };
}

/**
 * One step towards what an attempt did not find; `in-vain` when all is in use. Context: no lock
 * held. Inside a read section it is bound to wait: the grace period waits for that section.
 */
export function tryObtain<Result>(
  thread: Thread,
  callbacks: CallbackTable,
  max: number,
  { barrier: from, round: begun }: Obtaining,
  attempt: () => Result | null,
): Obtained<Result> {
  let barrier = from;
  for (let round = begun; round < begun + BARRIERS_MAX; round++) {
    // Every queue, not the barrier's alone: whoever has that one may be dead.
    const result = retryWhileRipe(thread, callbacks, max, attempt);
    if (result !== null) return { kind: 'found', result };
    // Asked last: what was freed while we waited may be what is missing.
    if (round > BARRIERS && !isPending(thread.heap)) return { kind: 'in-vain' };
    const rest = runBarrier(thread, callbacks, barrier);
    if (rest !== null) return { kind: 'waits', next: { barrier: rest, round } };
    barrier = beginBarrier(1);
  }
  return { kind: 'waits', next: { barrier, round: begun + BARRIERS_MAX } };
}

/** Whether a free of any thread waits for its callback: a hint, for nothing is locked. */
function isPending(heap: Heap): boolean {
  const high = threadsHigh(heap);
  for (let queue = 0; queue < high; queue++) {
    if (hasCallbacks(heap, queue as ThreadId)) return true;
  }
  return false;
}
