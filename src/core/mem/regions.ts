/** Where the regions of a heap begin, and how long it is: see the picture in layout.ts. */
import type { Word } from '../base/units.js';
import { HEAD_WORDS, KINDS_AT, MM, PTDESC, THREAD } from './layout.js';

/** What decides where everything is. */
export interface LayoutSizes {
  /** log2 of a page's words: 10 for 4 KiB. */
  readonly pageShift: number;
  readonly pagesMax: number;
  readonly threadsMax: number;
  /** Records for address spaces, the common owner's (number 0) included. */
  readonly mmsMax: number;
  readonly debug: boolean;
  readonly kinds: readonly { readonly fragmentWords: number; readonly order: number }[];
}

/** First word of each region, and the size of it all. */
export interface Layout {
  readonly kindsAt: Word;
  readonly mmsAt: Word;
  readonly threadsAt: Word;
  readonly ptdescsAt: Word;
  readonly freedByAt: Word;
  /** log2 of the words of pages that share a word of `freed by`: of the smallest fragment's. */
  readonly freedByShift: number;
  readonly pagesAt: Word;
  readonly words: number;
}

/**
 * Lays the regions out. The page area begins at a multiple of the largest block that a kind takes,
 * counted from the heap's start. So each table is aligned to its own size there: a block is in the
 * page area (mem/supply.ts), a fragment in its page. It costs less than one such block.
 */
export function layoutOf(sizes: LayoutSizes): Layout {
  const kindsAt = KINDS_AT;
  const mmsAt = HEAD_WORDS as Word;
  const threadsAt = (mmsAt + sizes.mmsMax * MM.WORDS) as Word;
  const ptdescsAt = (threadsAt + sizes.threadsMax * THREAD.WORDS) as Word;
  const freedByAt = (ptdescsAt + sizes.pagesMax * PTDESC.WORDS) as Word;
  const pageWords = 2 ** sizes.pageShift;
  const freedByShift = sizes.debug ? smallestShift(sizes) : 0;
  const freedByWords = sizes.debug ? (sizes.pagesMax * pageWords) / 2 ** freedByShift : 0;
  const end = freedByAt + Math.ceil(freedByWords);
  const blockWords = pageWords * 2 ** Math.max(0, ...sizes.kinds.map(({ order }) => order));
  // `| 0`: the quotient is a double to V8 even where it is whole, and would stay one.
  const pagesAt = ((Math.ceil(end / blockWords) * blockWords) | 0) as Word;
  const words = pagesAt + sizes.pagesMax * pageWords;
  return { kindsAt, mmsAt, threadsAt, ptdescsAt, freedByAt, freedByShift, pagesAt, words };
}

function smallestShift({ kinds }: LayoutSizes): number {
  return Math.min(...kinds.map(({ fragmentWords }) => 31 - Math.clz32(fragmentWords)));
}
