/**
 * The guest machine's shared memory, apart from the heap with its page tables: RAM, the store that
 * pages are written to when RAM is short, and the words by which threads agree. One object of plain
 * buffers, which every worker is given.
 */
import { PROT } from 'ptfrag/pgtable';

export const PAGE = 4096;
export const PAGE_WORDS = PAGE / 4;

/** What one large frame maps. */
export const SPAN_PAGES = 512;
export const SPAN = SPAN_PAGES * PAGE;

/** The guest's memory begins here: above 4 GiB, so that addresses need more than 32 bits. */
export const BASE = 2 ** 36;

/** Of each CPU: the pause that it stands still for; how many stores of the guest's it had done. */
export const PARKED = { PAUSE: 0, STORES: 1, ATOMICS: 2, WORDS: 3 };

/** The PAUSE of a CPU that has come to its end. */
export const ENDED = -1;

/** Bit 0 of a span's word: somebody changes what the span maps. The rest is a version. */
export const BUSY = 1;
export const VERSION = 2;

/** The first span has the code in its first page; the others are data. */
export const CODE_SPANS = 1;

/**
 * A machine with so many CPUs and spans of data. RAM is `large` frames of 2 MiB and behind them
 * `small` ones of 4 KiB.
 */
export function createMachine({ cpus, spans, large, small }) {
  const words = (count) => new Int32Array(new SharedArrayBuffer(count * 4));
  const all = spans + CODE_SPANS;
  const frames = large * SPAN_PAGES + small;
  return {
    spans: all,
    large,
    ram: words(frames * PAGE_WORDS),
    store: words(all * SPAN_PAGES * PAGE_WORDS),
    // For each frame how many pages map it; for each large one how many of its parts are in use.
    uses: words(frames),
    parts: words(large),
    // FREE small frames, and the one that was given back last.
    free: words(2),
    // For each span its version, and BUSY.
    versions: words(all),
    // Goes up by one where a pause begins, and where it ends: odd while the CPUs are to stand still.
    pause: words(1),
    parked: words(cpus * PARKED.WORDS),
    // Frames that CPUs have copied because a snapshot had them, too.
    copied: words(1),
    // 1: the host has done all that it came for, and the guest may end.
    enough: words(1),
  };
}

export function pageAt(index) {
  return BASE + index * PAGE;
}

export function pageIndex(page) {
  return (page - BASE) / PAGE;
}

export function spanIndex(page) {
  return Math.floor((page - BASE) / SPAN);
}

/** What the guest may do with a page; 0 for what lies outside of its memory. */
export function allowed({ spans }, page) {
  const span = spanIndex(page);
  if (!(span >= 0 && span < spans)) return 0;
  return span < CODE_SPANS ? PROT.read | PROT.exec : PROT.read | PROT.write;
}

export function copyPage(to, toIndex, from, fromIndex) {
  const begin = fromIndex * PAGE_WORDS;
  to.set(from.subarray(begin, begin + PAGE_WORDS), toIndex * PAGE_WORDS);
}
