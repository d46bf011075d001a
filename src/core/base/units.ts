/**
 * The integers of the heap, one brand for each kind, and the few lawful conversions between them.
 *
 * A word index, a page number and a thread number are all small integers, and adding one to
 * another is nearly always a mistake. The brands make the compiler say so; at run time they are
 * plain numbers, so nothing is paid for it. Conversions that need the layout of a heap (page to
 * address and back) are in mem/layout.ts, next to the numbers that they use.
 */

/** Index of a 32-bit word of the heap, counted from the heap's first word. Never a byte offset. */
export type Word = number & { readonly __unit: 'Word' };

/** Page frame number: index of a page in the page area, 0 for the first. */
export type Pfn = number & { readonly __unit: 'Pfn' };

/** Index of a fragment in its page, 0 for the one at the lowest address. */
export type FragIndex = number & { readonly __unit: 'FragIndex' };

/** Number of a fragment kind (size, count per page, empty value): its index in the heap. */
export type KindId = number & { readonly __unit: 'KindId' };

/** Number of an address space: the index of its record, and how often that was used before. */
export type MmId = number & { readonly __unit: 'MmId' };

/**
 * Virtual page number: an address divided by the page size, up to 2^52. Not a 32-bit integer: a
 * 64-bit address space of small pages has more pages than that.
 */
export type Vpn = number & { readonly __unit: 'Vpn' };

/** Number of an attached thread's record. */
export type ThreadId = number & { readonly __unit: 'ThreadId' };

/** Number of a grace period: compared wrap-safe, never 0. */
export type GracePeriod = number & { readonly __unit: 'GracePeriod' };

/**
 * The word `offset` words after `base`. The `| 0` keeps the sum an integer to V8, whatever it has
 * seen elsewhere: without it, addresses become doubles and are allocated, at five times the cost.
 */
export function at(base: Word, offset: number): Word {
  return ((base + offset) | 0) as Word;
}
