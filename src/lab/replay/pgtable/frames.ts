/**
 * The frames and rights that a replay invents: from what a walk finds it must be clear whether it
 * can have been mapped at that page of that mm.
 *
 * The lowest bits of a frame's number are those of its page, so that the parts of a large frame are
 * the frames that small pages would have had; the rest, as many bits as an address below 4 GiB has
 * above a large frame, is a hash of the mm and the span. A forked child has its parent's frames
 * until somebody maps another. Whether a page can be executed is a matter of its span alone.
 */
import type { Vpn, Word } from '../../../core/base/units.js';
import type { Memory } from '../../../core/mem/memory.js';
import { type EntryFormat, PROT, type Prot } from '../../../core/pgtable/format.js';
import { levelOf, spanOf } from '../../../core/pgtable/space.js';
import { frameOf, protOf } from '../../../core/pgtable/walk.js';
import { MM_WORDS, mmWord } from './board.js';

/** The level whose entries map spans: a large frame, or a table of pages. */
const LARGE = 1;

/** Pages of a span. */
export function spanPages(format: EntryFormat): number {
  return spanOf(format, LARGE);
}

/** Physical address of the large frame of a span of an mm; its parts follow. */
export function largeAddress(format: EntryFormat, mm: number, span: number): number {
  const { shift } = levelOf(format, LARGE);
  const hash = Math.imul((Math.imul(mm + 1, 0x9e3779b1) ^ span) + (span >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 15)) << shift) >>> 0;
}

/** Physical address of the frame of a page of an mm. */
export function frameAddressOf(format: EntryFormat, mm: number, page: number): number {
  const pages = spanPages(format);
  const span = Math.floor(page / pages);
  return largeAddress(format, mm, span) + (page % pages) * 2 ** format.pageShift;
}

/** What a page of a span may be asked to allow, beside being written. */
export function rightsOf(span: number): Prot {
  return span % 2 === 0 ? PROT.read : PROT.read | PROT.exec;
}

/** What pages of a span allow that were just touched. */
export function touched(span: number, write: boolean): Prot {
  return rightsOf(span) | PROT.young | (write ? PROT.write | PROT.dirty : 0);
}

const JUDGED = PROT.read | PROT.exec;

/**
 * What is wrong with what a walk found at a page of an mm; null: nothing. Context: inside the read
 * section of the walk.
 */
export function misfit(
  format: EntryFormat,
  board: Memory,
  mm: number,
  page: Vpn,
  found: number,
): string | null {
  const rights = protOf(found) & JUDGED;
  const expected = rightsOf(Math.floor(page / spanPages(format)));
  const frame = frameOf(found);
  // Without any: PROT_NONE.
  if (rights !== 0 && rights !== expected) return `frame ${frame} with rights ${protOf(found)}`;
  for (let each = mm; each >= 0; each = board.load(parentWord(each)) - 1) {
    if (frame === frameAddressOf(format, each, page) / 2 ** format.pageShift) return null;
  }
  return `frame ${frame}`;
}

function parentWord(mm: number): Word {
  return mmWord(mm, MM_WORDS.PARENT);
}
