/**
 * Work that yields how far it is, a generator: the same loop runs to its end at once (`finish`), or
 * in slices between which other work is done, progress is told and an abort is seen.
 */
import type { Vpn, Word } from '../../core/base/units.js';
import type { Thread } from '../../core/mem/heap.js';
import { type Space, spanOf } from '../../core/pgtable/space.js';
import { rcuOffline, refuseReader } from '../../core/rcu/reader.js';
import { refuseWait } from '../../core/rcu/wait.js';
import { optionsOf, requireFunction, signalOf } from '../arguments.js';
import type { Attachment } from '../attachment.js';
import { positionOf, WAITS, type Work, waitAskedAsync } from '../obtain.js';
import type { Operation } from '../operation.js';
import { awaitLocks, keepAlive } from '../waiting.js';
import { type PageRange, pageAt } from './address.js';

/** How an operation on a range in slices tells its progress, and is aborted. */
export interface RangeOptions {
  /** How long to wait for page tables that wait for a grace period; see `ObtainAsyncOptions`. */
  readonly waitMs?: number | undefined;
  /** Stops the operation; see each for what is left then. Its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Told now and then, and at the end, how many pages of how many are done. What it returns is
   * awaited before the range goes on; what it throws or rejects with stops the operation.
   */
  readonly onProgress?: ((done: number, total: number) => unknown) | undefined;
}

/** The options of a method, each read once. */
export function rangeOptionsOf(
  options: RangeOptions,
  what: string,
): RangeOptions & { readonly waitMs: number } {
  const { waitMs, signal: given, onProgress } = optionsOf(options, what);
  const signal = signalOf(given, `${what}: signal`);
  if (onProgress !== undefined) {
    requireFunction(onProgress, `${what}: onProgress`, 'bad-option');
  }
  return { waitMs: waitAskedAsync(what, waitMs), signal, onProgress };
}

/** How long an asynchronous operation works before it lets others have the thread. */
const SLICE_MS = 8;

/** What work in slices needs, beside what the user gave. */
export interface SliceOptions extends RangeOptions {
  readonly attachment: Attachment;
  /** What each slice is. */
  readonly operation: Operation;
  readonly space: Space;
  readonly range: PageRange;
  /** Pages in all: of the range, or more where it is gone through more than once. */
  readonly total: number;
  /** A lock that another thread has, of those that a step at a page takes; 0: there is none. */
  readonly inTheWay: (vpn: Vpn) => Word | 0;
  /** Called once, when the work is over in whatever way, with the thread still attached. */
  readonly onOver?: (thread: Thread) => void;
}

/** Tables that so many pages, one after the other, lie in: what an unmap may have freed. */
export function tablesFor({ format }: Space, pages: number): number {
  return Math.ceil(pages / spanOf(format, 1));
}

/**
 * As `finishInSlices`, counted in as a user of the mm: nobody can end it meanwhile, by this handle
 * or another. Refused where the thread may not wait.
 */
export async function finishAsUser<Result>(
  work: Work<Result>,
  how: Omit<SliceOptions, 'onOver'>,
): Promise<Result> {
  const { attachment, operation, space } = how;
  refuseWait(space.thread, `${operation.name}Async`, null);
  const locked = locksAt(0, how);
  if (locked !== null) await locked;
  const { operations, users } = attachment;
  operations.run(operation, (thread) => users.enter(thread, space.mm));
  const onOver = (thread: Thread): void => users.leave(thread, space.mm);
  return await finishInSlices(work, { ...how, onOver });
}

/** The same after so many pages. */
function inTheWayAt(
  position: number,
  { range, inTheWay }: Pick<SliceOptions, 'range' | 'inTheWay'>,
): Word | 0 {
  return inTheWay(pageAt(range.vpn, position % Math.max(1, range.pages)));
}

/**
 * Waits until no other thread has a lock that a step at so many pages takes: see awaitLocks. Null,
 * and nothing need be awaited, where that is so now.
 */
export function locksAt(
  position: number,
  how: Omit<SliceOptions, 'onOver' | 'total'>,
): Promise<void> | null {
  const inTheWay = (): Word | 0 => inTheWayAt(position, how);
  if (inTheWay() === 0) return null;
  return awaitLocks(how.attachment.operations, how.operation, inTheWay, how.signal);
}

/**
 * Does it in slices. A qsbr thread is offline between two, and no lock of another thread is waited
 * for in one: the event loop goes on. The last progress is told when all is done and the work can
 * still be undone: what `onProgress` throws then is as what it throws before.
 */
export async function finishInSlices<Result>(
  work: Work<Result>,
  how: SliceOptions,
): Promise<Result> {
  const { attachment, operation, space, total, onOver, signal, onProgress } = how;
  const { operations } = attachment;
  const thread = operations.here();
  let cancelled: Error | null = null;
  const end = (): void => {
    forget();
    if (onOver !== undefined) operations.run(operation, onOver);
  };
  const stopped = stopFor(signal);
  const forget = attachment.running((reason) => {
    cancelled = reason;
    operations.run(operation, () => undo(work, reason));
    end();
    stopped.stop(reason);
  });
  const letGo = keepAlive();
  try {
    for (let position = 0; ; ) {
      signal?.throwIfAborted();
      refuseOnline(thread, operation);
      const locked = locksAt(position, how);
      if (locked !== null) await locked;
      const slice = operations.run(operation, () => runSlice(work, position, how));
      const { ended, done, value } = slice;
      position = slice.position;
      // Work that had nothing to do ends without a step.
      if (onProgress !== undefined && done !== null && (!ended || total === 0)) {
        await Promise.race([onProgress(done, total), stopped.promise]);
      }
      if (!ended) await letOthersRun(thread, operation, cancelled);
      // While others had the thread, in `onProgress` too, it may have left the heap.
      if (cancelled !== null) throw cancelled;
      if (ended) return value as Result;
    }
  } catch (error) {
    if (cancelled === null) operations.run(operation, () => undo(work, error));
    throw error;
  } finally {
    letGo();
    stopped.forget();
    if (cancelled === null) {
      end();
      attachment.freed(tablesFor(space, total));
    }
  }
}

async function letOthersRun(
  thread: Thread,
  operation: Operation,
  cancelled: Error | null,
): Promise<void> {
  if (cancelled !== null) return;
  refuseOnline(thread, operation);
  rcuOffline(thread);
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Refuses to go on in a section that others have entered: no qsbr thread goes offline in one. */
function refuseOnline(thread: Thread, { name }: Operation): void {
  if (thread.qsbr) refuseReader(thread, `${name}Async`);
}

interface Stop {
  /** Rejects when the operation is to stop; else it stays as it is. */
  readonly promise: Promise<never>;
  readonly stop: (reason: unknown) => void;
  readonly forget: () => void;
}

/** What a wait for the user's own promise is raced with: that one may never be settled. */
function stopFor(signal: AbortSignal | undefined): Stop {
  let stop: Stop['stop'] = () => {};
  const promise = new Promise<never>((_, reject) => {
    stop = reject;
  });
  // Where nobody waits for it: the reason is thrown all the same, before the next slice.
  promise.catch(() => {});
  const onAbort = (): void => stop(signal?.reason);
  // All that is asked of a signal is `throwIfAborted`.
  signal?.addEventListener?.('abort', onAbort);
  return { promise, stop, forget: () => signal?.removeEventListener?.('abort', onAbort) };
}

/** Throws into the generator, which undoes what it did and throws the same again. */
function undo<Result>(work: Work<Result>, error: unknown): void {
  try {
    work.throw(error);
  } catch (thrown) {
    if (thrown !== error) throw thrown;
  }
}

interface Slice<Result> {
  readonly ended: boolean;
  /** Where the next step begins. */
  readonly position: number;
  /** Pages; null where it only waits. */
  readonly done: number | null;
  readonly value: Result | null;
}

/** Steps until the time is up, or another thread has a lock that the next one takes. */
function runSlice<Result>(
  work: Work<Result>,
  from: number,
  how: Pick<SliceOptions, 'range' | 'inTheWay' | 'total'>,
): Slice<Result> {
  const end = performance.now() + SLICE_MS;
  for (;;) {
    // A step before the clock is looked at: however slow it is, each slice gets on.
    const step = work.next();
    if (step.done === true) return { ended: true, position: from, done: 0, value: step.value };
    if (step.value === WAITS) return { ended: false, position: from, done: null, value: null };
    const position = positionOf(step.value);
    const done = Math.max(0, step.value);
    const isAll = done === how.total;
    if (isAll || performance.now() >= end || inTheWayAt(position, how) !== 0) {
      return { ended: false, position, done, value: null };
    }
  }
}
