/**
 * Work that yields how far it is, a generator: the same loop runs to its end at once, or in slices
 * between which other work is done, progress is told and an abort is seen.
 */
import type { Thread } from '../../core/mem/heap.js';
import { rcuOffline } from '../../core/rcu/reader.js';

/** Work under way: yields pages done, returns what the operation does. */
export type Work<Result> = Generator<number, Result, void>;

export interface RangeOptions {
  /** Stops the operation; see each for what is left then. Its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told now and then, and at the end, how many pages of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** How long an asynchronous operation works before it lets others have the thread. */
const SLICE_MS = 8;

/** Does all of it now. */
export function finish<Result>(work: Work<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does it in slices. A qsbr thread is offline between two. */
export async function finishInSlices<Result>(
  work: Work<Result>,
  thread: Thread,
  total: number,
  { signal, onProgress }: RangeOptions,
): Promise<Result> {
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { ended, done, value } = runSlice(work);
      onProgress?.(ended ? total : done, total);
      if (ended) return value as Result;
      rcuOffline(thread);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } catch (error) {
    // Into the generator first, which undoes what it did, and throws the error again.
    work.throw(error);
    throw error;
  }
}

interface Slice<Result> {
  readonly ended: boolean;
  readonly done: number;
  readonly value: Result | null;
}

function runSlice<Result>(work: Work<Result>): Slice<Result> {
  const end = performance.now() + SLICE_MS;
  for (;;) {
    // A step before the clock is looked at: however slow it is, each slice gets on.
    const step = work.next();
    if (step.done === true) return { ended: true, done: 0, value: step.value };
    if (performance.now() >= end) return { ended: false, done: step.value, value: null };
  }
}
