/**
 * What lies at an address: for whoever must not believe a word of the heap, because another program
 * may have written there (P12).
 */
import type { Word } from '../base/units.js';
import { type Heap, headerWord } from './heap.js';
import { HEAP, MM, PTDESC } from './layout.js';

/** Whether so many records of `words` words, from `first` on, have one that begins at `address`. */
function isRecord(first: number, words: number, count: number, address: number): boolean {
  const offset = address - first;
  return offset >= 0 && offset < words * count && offset % words === 0;
}

/** Whether an mm's record begins there, that of the common owner included. */
export function isMmRecord({ mmsAt, mmsMax }: Heap, address: number): boolean {
  return isRecord(mmsAt, MM.WORDS, mmsMax, address);
}

/** Whether an rcu head is there: a page's, or an mm's. */
export function isHead({ ptdescsAt, pagesMax, mmsAt, mmsMax }: Heap, address: number): boolean {
  return (
    isRecord(ptdescsAt + PTDESC.RCU, PTDESC.WORDS, pagesMax, address) ||
    isRecord(mmsAt + MM.RCU, MM.WORDS, mmsMax, address)
  );
}

/** Heads that there are: as long as this the longest queue is. */
export function headsOf({ pagesMax, mmsMax }: Heap): number {
  return pagesMax + mmsMax;
}

/** Whether a lock that one can sleep for is there. */
export function isLock(heap: Heap, address: number): address is Word {
  const { ptdescsAt, pagesMax } = heap;
  return (
    isMmRecord(heap, address) ||
    isRecord(ptdescsAt + PTDESC.LOCK, PTDESC.WORDS, pagesMax, address) ||
    address === headerWord(HEAP.SUPPLY_LOCK) ||
    address === headerWord(HEAP.MM_TABLE_LOCK)
  );
}
