/** How many pages of a heap are in use, looked at now and then by the threads that work on it. */
import { type Heap, headerWord } from '../../core/mem/heap.js';
import { HEAP } from '../../core/mem/layout.js';

export interface PageSamples {
  peak: number;
  sum: number;
  count: number;
}

/** Pages that are out of the supply. Plain, without its lock: it may be a few off. */
export function pagesInUse(heap: Heap): number {
  const { mem } = heap;
  return mem.peek(headerWord(HEAP.LIMIT_PAGES)) - mem.peek(headerWord(HEAP.FREE_PAGES));
}

/** The most that any thread saw. */
export function peakOf(samples: readonly PageSamples[]): number {
  return Math.max(0, ...samples.map(({ peak }) => peak));
}

/** The mean of all samples. */
export function meanOf(samples: readonly PageSamples[]): number {
  const sum = samples.reduce((all, sample) => all + sample.sum, 0);
  const count = samples.reduce((all, sample) => all + sample.count, 0);
  return count === 0 ? 0 : sum / count;
}
