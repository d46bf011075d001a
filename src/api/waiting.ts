/**
 * Waits of a thread, blocking and asynchronous: for a grace period, and for callbacks.
 *
 * Both are the steps of core/rcu/wait.ts with a pause between two of them, and with a limit: a
 * reader that never leaves, or a thread that was killed inside a section, would be waited for
 * without end and without a word.
 */
import { StallError } from '../core/base/errors.js';
import type { Word } from '../core/base/units.js';
import { CALLBACKS } from '../core/frag/callback.js';
import type { Thread } from '../core/mem/heap.js';
import { lockStalled } from '../core/mem/lock.js';
import { GP_COMPLETED } from '../core/rcu/grace-period.js';
import { rcuOffline, refuseReader } from '../core/rcu/reader.js';
import {
  blockUntil,
  LOOK_MS_MAX,
  refuseWait,
  type Wait,
  waitForCallbacks,
  waitForGrace,
} from '../core/rcu/wait.js';
import { milliseconds, optionsOf, signalOf } from './arguments.js';
import type { Attachment } from './attachment.js';
import { Operation, type Operations } from './operation.js';

/** How long a wait may take before it is given up. */
export interface WaitOptions {
  /** After how long to give up with a `StallError`, in milliseconds. Default: 10,000. */
  readonly stallMs?: number | undefined;
}

/** The same for a thread that must not block, with a signal to give up. */
export interface WaitAsyncOptions extends WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

const STALL_MS = 10_000;

/** The longest time that a timer takes: longer than any wait. */
const STAY_MS = 2 ** 31 - 1;

/** What is waited for. */
interface Awaited {
  /** The method that blocks; its asynchronous twin is called the same with `Async` behind. */
  readonly operation: Operation;
  readonly begin: (thread: Thread) => Wait;
}

export const GRACE_PERIOD: Awaited = {
  operation: new Operation('synchronize', false),
  begin: waitForGrace,
};

export const BARRIER: Awaited = {
  operation: new Operation('barrier', false),
  begin: (thread) => waitForCallbacks(thread, CALLBACKS),
};

/** Blocks. Throws `StallError`; `UsageError` where the wait could not end, or not sleep. */
export function waitFor(
  { operations }: Attachment,
  { operation, begin }: Awaited,
  options: WaitOptions,
): void {
  const { name } = operation;
  const stallMs = stallMsOf(options, name);
  const thread = operations.here();
  refuseWait(thread, name, `${name}Async`);
  const { isOver, heldUp } = begin(thread);
  const throwIfStalled = stallCheck(heldUp, name, stallMs);
  // A step at a time: what is broken off between two of them, while it sleeps, holds nothing.
  // The limit is asked after a sleep only: what can be over at once never fails.
  blockUntil(thread, () => operations.run(operation, isOver), throwIfStalled);
}

/**
 * The same for a thread that must not block. Also throws the signal's reason, and `UsageError` once
 * the thread has left the heap: its record may be another thread's by then.
 */
export async function waitForAsync(
  { operations }: Attachment,
  { operation, begin }: Awaited,
  options: WaitAsyncOptions,
): Promise<void> {
  const what = `${operation.name}Async`;
  const stallMs = stallMsOf(options, what);
  const signal = signalOf(options.signal, `${what}: signal`);
  const thread = operations.here();
  refuseWait(thread, what, null);
  const { isOver, heldUp } = begin(thread);
  const throwIfStalled = stallCheck(heldUp, what, stallMs);
  signal?.throwIfAborted();
  const letGo = keepAlive();
  try {
    while (!operations.run(operation, isOver)) {
      await pause(operations, what, signal);
      throwIfStalled();
    }
  } finally {
    letGo();
  }
}

/**
 * Keeps the process up until what it returns is called. Node ends a process in which nothing but
 * `Atomics.waitAsync` is left to wait for. A timer is something: who awaits a promise of ours is
 * promised an end.
 */
export function keepAlive(): () => void {
  const timer = setTimeout(() => {}, STAY_MS);
  return () => clearTimeout(timer);
}

/**
 * Lets others have the thread until a grace period ends, or for a little while. Throws `UsageError`
 * where `what` can't go on with what they did meanwhile.
 */
export async function pause(
  operations: Operations,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const thread = operations.here();
  const { mem } = thread;
  signal?.throwIfAborted();
  // A qsbr thread that is online while it does nothing would hold up what it waits for.
  rcuOffline(thread);
  await mem.awaitChangeAsync(GP_COMPLETED, mem.load(GP_COMPLETED), LOOK_MS_MAX);
  signal?.throwIfAborted();
  // It may have left the heap, or be in a section, in which a qsbr thread can't be quiescent.
  if (operations.here().qsbr) refuseReader(thread, what);
}

/**
 * Lets others have the thread while another thread has a lock that comes next, `inTheWay`; 0: none.
 * Blocking there, the event loop would stand still. Throws `StallError` once one thread has had it
 * for the caller's `lockStallMs`; the signal's reason; `UsageError` once the thread has left.
 */
export async function awaitLocks(
  operations: Operations,
  { name }: Operation,
  inTheWay: () => Word | 0,
  signal: AbortSignal | undefined,
): Promise<void> {
  const thread = operations.here();
  const letGo = keepAlive();
  try {
    let [seen, since] = [0, 0];
    for (let lock = inTheWay(); lock !== 0; lock = inTheWay()) {
      const now = performance.now();
      const word = thread.mem.load(lock);
      if (word !== seen) since = now;
      seen = word;
      if (now - since >= thread.lockWaits.stallMs) throw lockStalled(thread, lock).during(name);
      await pause(operations, name, signal);
    }
  } finally {
    letGo();
  }
}

function stallMsOf(options: WaitOptions, what: string): number {
  return milliseconds(optionsOf(options, what).stallMs, STALL_MS, `${what}: stallMs`);
}

function stallCheck(heldUp: Wait['heldUp'], what: string, limit: number): () => void {
  const begin = performance.now();
  return () => {
    const forMs = performance.now() - begin;
    if (forMs <= limit) return;
    // Nobody: it ended between the last look and this one.
    const blocker = heldUp();
    if (blocker !== null) throw new StallError(what, blocker, forMs);
  };
}
