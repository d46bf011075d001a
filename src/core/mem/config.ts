/**
 * What a heap can be: the limits of its sizes, and what makes up a kind of fragment.
 *
 * Asked of a configuration before a heap is made of it, and of a heap's header before it is
 * believed. What is wrong is said in the words of `createHeap`, whose options these are.
 */
import { isPowerOfTwo } from '../base/assert.js';
import { LimitError, UsageError } from '../base/errors.js';
import type { HeapConfig, Kind } from './heap.js';
import { FRAGMENTS_MAX, KINDS_MAX, ORDERS, THREADS_MAX } from './layout.js';
import { layoutOf } from './regions.js';

/** Numbers that are allowed, both ends included. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** What has limits; of mms the common owner's record is one. */
type SizeName = 'pagesMax' | 'threadsMax' | 'mmsMax' | 'kinds' | 'pageShift';

export const LIMITS: Readonly<Record<SizeName, Range>> = Object.freeze({
  pagesMax: { least: 1, most: 2 ** 24 },
  threadsMax: { least: 1, most: THREADS_MAX },
  mmsMax: { least: 2, most: 2 ** 20 },
  kinds: { least: 1, most: KINDS_MAX },
  pageShift: { least: 4, most: 20 },
});

/** Words of a whole heap, at most: 4 GiB. */
const HEAP_WORDS_MAX = 2 ** 30;

const FRAGMENT_WORDS_MIN = 4;

/** Refuses sizes that are each within LIMITS, and together make no heap. */
export function checkConfig(config: HeapConfig): void {
  for (const kind of config.kinds) {
    const fault = kindFault(kind, 2 ** config.pageShift);
    if (fault !== null) throw new UsageError('bad-config', `kind ${kind.name}: ${fault}`);
  }
  if (layoutOf(config).words > HEAP_WORDS_MAX) {
    const message = `${config.pagesMax} pages make a heap of over 4 GiB`;
    throw new LimitError('pagesMax', config.pagesMax, message);
  }
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && isPowerOfTwo(value);
}

/** What is wrong with a kind, and what is allowed; null if nothing is. */
export function kindFault(kind: Kind, pageWords: number): string | null {
  const { fragmentWords, perPage, order, entryWords } = kind;
  const bytes = fragmentWords * 4;
  if (!isSize(fragmentWords) || fragmentWords < FRAGMENT_WORDS_MIN) {
    return `bytes is ${bytes}; allowed are powers of two, ${FRAGMENT_WORDS_MIN * 4} to 2^32`;
  }
  if (!isSize(perPage) || perPage > FRAGMENTS_MAX) {
    return `perPage is ${perPage}; allowed are powers of two, 1 to ${FRAGMENTS_MAX}`;
  }
  if (!Number.isInteger(order) || order < 0 || order >= ORDERS) {
    return `order is ${order}; allowed are 0 to ${ORDERS - 1}`;
  }
  if (order > 0 && perPage > 1) {
    return `order is ${order} with ${perPage} per page; only a table alone takes more pages`;
  }
  if (fragmentWords * perPage !== pageWords * 2 ** order) {
    const room = `a block of 2^${order} pages of ${pageWords * 4} bytes`;
    return `${perPage} fragments of ${bytes} bytes do not make up ${room}`;
  }
  if (entryWords >= 0 && entryWords <= fragmentWords && entryWords % 2 === 0) return null;
  const slots = (fragmentWords - entryWords) * 4;
  return `slotBytes is ${slots}; allowed are multiples of 8, 0 to ${bytes}`;
}
