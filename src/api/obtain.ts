/**
 * What every call does that finds nothing left: a table, a page for page tables, a record of an mm.
 *
 * It runs what is ripe and tries again. If freed memory then still waits for a grace period, it
 * waits for that, up to `waitMs`. It fails with an error that says which it was: all in use, or
 * only not there yet (core/rcu/obtain.ts).
 */

import type { KindId, MmId, Word } from '../core/base/units.js';
import { allocTable } from '../core/frag/alloc.js';
import { CALLBACKS } from '../core/frag/callback.js';
import { tryCreateMm } from '../core/frag/mm.js';
import { outOfPages, throwOutOfMms } from '../core/frag/shortage.js';
import type { Thread } from '../core/mem/heap.js';
import { beginObtaining, tryObtain } from '../core/rcu/obtain.js';
import { isReading } from '../core/rcu/reader.js';
import { blockUntil, refuseWait } from '../core/rcu/wait.js';
import { milliseconds, optionsOf, signalOf } from './arguments.js';
import { POLL_MAX } from './debts.js';
import type { Operation, Operations } from './operation.js';
import { awaitLocks, keepAlive, pause } from './waiting.js';

/** How long to wait for a page, where none is free. */
export interface ObtainOptions {
  /**
   * How long to wait, in milliseconds, for memory that was freed and still waits for a grace
   * period. 0: not at all. More than 0 throws `UsageError` inside a read section, and on a thread
   * that may not sleep. Default: 50, or 0 where the thread can't wait. While nothing that was freed
   * waits, the call fails at once, whatever is given here.
   */
  readonly waitMs?: number | undefined;
}

/** The same for a thread that must not block, with a signal to give up. */
export interface ObtainAsyncOptions {
  /** As in `ObtainOptions`, without blocking. Default: 10,000. */
  readonly waitMs?: number | undefined;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that blocks waits unasked: a grace period takes less, unless a reader lingers. */
const WAIT_MS = 50;
const WAIT_ASYNC_MS = 10_000;

/** What work yields instead of how far it is, when it waits for others. */
export const WAITS = -1;

/** What work yields that has changed nothing yet, but looked at so many pages. */
export function lookedAt(pages: number): number {
  return WAITS - 1 - pages;
}

/** Where work is that yielded `step`, not WAITS: pages that were done, or looked at. */
export function positionOf(step: number): number {
  return step >= 0 ? step : WAITS - 1 - step;
}

/**
 * Work under way: yields how far it is, WAITS, or what `lookedAt` says; returns what the operation
 * does.
 */
export type Work<Result> = Generator<number, Result, void>;

/** Does all of it now, asleep while it waits. */
export function finish<Result>(thread: Thread, work: Work<Result>): Result {
  let step = untilItWaits(work);
  const isDone = (): boolean => step.done === true;
  // Asleep until a grace period ends, or for a moment: a reader that leaves wakes nobody, and
  // callbacks on another thread don't either.
  blockUntil(thread, isDone, () => {
    step = untilItWaits(work);
  });
  return step.value as Result;
}

function untilItWaits<Result>(work: Work<Result>): IteratorResult<number, Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true || step.value === WAITS) return step;
  }
}

/**
 * How long a call that blocks was asked to wait, if it was. Throws `UsageError` for what is no
 * time, and where the thread can't wait: `twin` says what to call instead.
 */
export function waitAsked(
  thread: Thread,
  what: string,
  options: ObtainOptions | undefined,
  twin = 'synchronizeAsync, and try again',
): number | undefined {
  // The way of nearly every call: an allocation pays one comparison for it.
  if (options === undefined) return;
  const given = optionsOf(options, what).waitMs;
  if (given === undefined) return;
  const waitMs = milliseconds(given, WAIT_MS, `${what}: waitMs`);
  if (waitMs > 0) refuseWait(thread, `${what} with waitMs`, twin);
  return waitMs;
}

/** How long a call that doesn't block waits. Throws `UsageError` for what is no time. */
export function waitAskedAsync(what: string, waitMs: unknown): number {
  return milliseconds(waitMs, WAIT_ASYNC_MS, `${what}: waitMs`);
}

/** What a call that blocks waits unasked. */
function waitUnasked(thread: Thread): number {
  // Inside a section, an outer function's perhaps, the wait would be for this thread itself. Where
  // nobody may sleep, on a page's main thread, it would stop what the user sees.
  return isReading(thread) || !thread.mem.maySleep ? 0 : WAIT_MS;
}

/** Tries again what found nothing, for so long; null in vain. Yields WAITS only. */
export function* obtainWithin<Result>(
  thread: Thread,
  asked: number | undefined,
  attempt: () => Result | null,
): Work<Result | null> {
  const waitMs = asked ?? waitUnasked(thread);
  const end = performance.now() + waitMs;
  for (let at = beginObtaining(); ; ) {
    const step = tryObtain(thread, CALLBACKS, POLL_MAX, at, attempt);
    if (step.kind === 'found') return step.result;
    // The time is looked at after a step, so that one follows even the longest sleep.
    if (step.kind === 'in-vain' || waitMs === 0 || performance.now() >= end) return null;
    yield WAITS;
    at = step.next;
  }
}

/**
 * The same for a thread that must not block, from the first attempt on. Throws the signal's reason,
 * and `UsageError` once the thread has left the heap. What was found is not lost: nothing can come
 * between it and the end. `inTheWay`: see awaitLocks.
 */
export async function obtainAsync<Result>(
  operations: Operations,
  operation: Operation,
  options: ObtainAsyncOptions,
  attempt: () => Result | null,
  inTheWay: () => Word | 0,
): Promise<Result | null> {
  const what = operation.name;
  const thread = operations.here();
  const given = optionsOf(options, what);
  const waitMs = waitAskedAsync(what, given.waitMs);
  refuseWait(thread, what, null);
  const signal = signalOf(given.signal, `${what}: signal`);
  signal?.throwIfAborted();
  if (inTheWay() !== 0) await awaitLocks(operations, operation, inTheWay, signal);
  const found = operations.run(operation, attempt);
  if (found !== null) return found;
  // From here on an abort or a detach can come only inside of a pause, before the next attempt.
  const work = obtainWithin(thread, waitMs, attempt);
  const letGo = keepAlive();
  try {
    for (;;) {
      if (inTheWay() !== 0) await awaitLocks(operations, operation, inTheWay, signal);
      const step = operations.run(operation, () => work.next());
      if (step.done === true) return step.value;
      await pause(operations, what, signal);
    }
  } finally {
    letGo();
  }
}

/** As tryCreateMm, where there was no record. Throws `LimitError` if none comes back. */
export function* createMmAgain(
  thread: Thread,
  waitMs: number | undefined,
  isPart = false,
): Work<MmId> {
  const mm = yield* obtainWithin(thread, waitMs, () => tryCreateMm(thread, isPart));
  return mm ?? throwOutOfMms(thread);
}

/** A table, where there was none at once; null in vain. */
export function allocAgain(
  thread: Thread,
  mm: MmId,
  kind: KindId,
  waitMs: number | undefined,
): Word | null {
  return finish(
    thread,
    obtainWithin(thread, waitMs, () => allocTable(thread, mm, kind)),
  );
}

/** Throws that there was none. */
export function noTable(thread: Thread, mm: MmId): never {
  return throwOutOfPages(thread, `a table of mm ${mm}`);
}

/** Throws that no page was left for `what`. */
export function throwOutOfPages(thread: Thread, what: string): never {
  throw outOfPages(thread.heap, what, isReading(thread));
}
