/**
 * Debug heaps: what lies in free memory, and who freed what lay there.
 *
 * From the moment that a fragment becomes F until it is handed out all its words are POISON. So
 * are those of a page in the supply, once it was taken from there for the first time; before, all
 * are 0, as the heap's maker found them. A word that is neither was written by somebody who kept an
 * address for too long, or wrote beyond a block's end (U1). It is found when the memory is handed
 * out, and by the check. Nobody but the core may write there, so the same finding can be a fault of
 * our own, broken P2: memory can't tell these two apart. The checker can, for its threads keep U1.
 *
 * Between the free and the end of its grace period nothing is written (P2). A table of entries
 * must be empty then, and where it is not, what was found is left there as evidence. A block of
 * data may change: a reader that found it in its section may write into it.
 */
import { type UsageError, WriteAfterFreeError } from '../base/errors.js';
import type { FragIndex, KindId, Pfn, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, HeapKind, Thread } from '../mem/heap.js';
import { pageAddress, pfnOfAddress, pfnOfPtdesc } from '../mem/heap.js';
import type { Memory } from '../mem/memory.js';
import { findNotEmpty, isEmptyWord } from './contents.js';
import { getState, tableAt } from './ptdesc.js';
import { C } from './state.js';

/**
 * A word of the region `freed by` of a debug heap: who freed the fragment that lay there last. A
 * fragment has as many words there as the smallest one goes into it. 0: its page was never taken
 * from the supply, and its memory is 0, too. Written by who takes a page for the first time, and by
 * freeTable, under lock owner; read under it, by who took the page, and by checks.
 */
const FREED_BY = {
  /** Number of the thread, and 1; 0: no fragment was freed there yet. */
  THREAD_MASK: 0xffff,
  /** Above: number of the kind that the page was taken for, or of the freed fragment, and 1. */
  KIND_SHIFT: 16,
} as const;

/** 0xdeadf4ee: easily seen in a dump, and, being negative, no address and no count. */
export const POISON: number = 0xdeadf4ee | 0;

/** A word that was written while its memory was free. */
export interface Written {
  /** First word of the block that lay there when it was freed, or that would lie there. */
  readonly table: Word;
  readonly kind: HeapKind;
  /** Offset of the word in the block, what it holds, and what it has to: poison, or 0. */
  readonly word: number;
  readonly found: number;
  readonly expected: number;
  /** Who freed the block; null: what lies there was never handed out. */
  readonly freedBy: ThreadId | null;
}

/** Notes who frees a table. Context: owner's lock held. */
export function recordFree({ heap, mem, id }: Thread, table: Word, kindId: KindId): void {
  const kind = heap.kinds[kindId] as HeapKind;
  const words = 1 << (kind.fragmentShift - heap.freedByShift);
  mem.fill(freedByWord(heap, table), words, (id + 1) | noteOf(kindId));
}

function noteOf(kindId: KindId): number {
  return (kindId + 1) << FREED_BY.KIND_SHIFT;
}

function freedByWord(heap: Heap, word: Word): Word {
  return at(heap.freedByAt, (word - heap.pagesAt) >>> heap.freedByShift);
}

/**
 * For messages about memory that is free, or is said to be: who freed it, with a semicolon before.
 * Racy where no lock is held that the memory belongs to.
 */
export function sayFreedBy(heap: Heap, table: Word): string {
  if (!heap.debug) return '';
  const by = freedBy(heap, table);
  return by === null ? '' : `; thread ${by} freed what lay there last`;
}

function freedBy(heap: Heap, word: Word): ThreadId | null {
  const thread = heap.mem.peek(freedByWord(heap, word)) & FREED_BY.THREAD_MASK;
  return thread === 0 ? null : ((thread - 1) as ThreadId);
}

/**
 * Poisons what the end of a grace period makes F. Context: as ripenPage, just before it: no reader
 * is left in what is C.
 */
export function poisonRipe(heap: Heap, ptdesc: Word, kind: HeapKind): void {
  const pfn = pfnOfPtdesc(heap, ptdesc);
  for (let index = 0; index < kind.perPage; index++) {
    if (getState(heap.mem, ptdesc, index as FragIndex) !== C) continue;
    poisonFreed(heap.mem, tableAt(heap, pfn, kind, index as FragIndex), kind);
  }
}

/** All but the words of entries that were written after the free, which asked for empty ones. */
function poisonFreed(mem: Memory, table: Word, kind: HeapKind): void {
  const from = findNotEmpty(mem, table, kind) ?? kind.fragmentWords;
  poison(mem, table, from);
  for (let i = from; i < kind.fragmentWords; i++) {
    if (isEmptyWord(mem, table, kind, i)) mem.poke(at(table, i), POISON);
  }
}

/** Poisons words of memory that nobody can reach, or that is F. */
export function poison(mem: Memory, first: Word, words: number): void {
  if (words > 0) mem.fill(first, words, POISON);
}

/**
 * Poisons those of a block's pages that are taken for the first time. Context: the pages are
 * private, and nothing is written there.
 */
export function poisonNew(heap: Heap, pfn: Pfn, kindId: KindId): void {
  const { order } = heap.kinds[kindId] as HeapKind;
  for (let index = 0; index < 1 << order; index++) {
    const page = pageAddress(heap, (pfn + index) as Pfn);
    if (!isNew(heap, page)) continue;
    poison(heap.mem, page, pageWords(heap));
    const words = 1 << (heap.pageShift - heap.freedByShift);
    heap.mem.fill(freedByWord(heap, page), words, noteOf(kindId));
  }
}

/** Makes the pages of a block of 2^order what free ones are. Context: the pages are private. */
export function poisonBlock(heap: Heap, pfn: Pfn, order: number): void {
  for (let index = 0; index < 1 << order; index++) {
    const page = pageAddress(heap, (pfn + index) as Pfn);
    heap.mem.fill(page, pageWords(heap), isNew(heap, page) ? 0 : POISON);
  }
}

/** Whether a page, of which this is the first word, was never taken yet: then it is all 0. */
function isNew(heap: Heap, page: Word): boolean {
  return heap.mem.peek(freedByWord(heap, page)) === 0;
}

function pageWords({ pageShift }: Heap): number {
  return 2 ** pageShift;
}

/** Offset of the first word that is not as expected; null: all are. */
function findWritten(mem: Memory, first: Word, words: number, expected: number): number | null {
  for (let i = 0; i < words; i++) if (mem.peek(at(first, i)) !== expected) return i;
  return null;
}

/** What was written into a fragment that is F. Context: owner's lock held, or at rest. */
export function writtenInFragment(heap: Heap, table: Word, kind: HeapKind): Written | null {
  const word = findWritten(heap.mem, table, kind.fragmentWords, POISON);
  return word === null ? null : writtenAt(heap, at(table, word), kind);
}

/**
 * What was written into the pages of a block of 2^order, which the supply has or had until now.
 * `next`: the kind that they are taken for, if they are. Context: the pages are private, or at
 * rest.
 */
export function writtenInPages(
  heap: Heap,
  pfn: Pfn,
  order: number,
  next: KindId = 0 as KindId,
): Written | null {
  for (let index = 0; index < 1 << order; index++) {
    const page = pageAddress(heap, (pfn + index) as Pfn);
    const expected = isNew(heap, page) ? 0 : POISON;
    const offset = findWritten(heap.mem, page, pageWords(heap), expected);
    if (offset === null) continue;
    const address = at(page, offset);
    const noted = heap.mem.peek(freedByWord(heap, address)) >>> FREED_BY.KIND_SHIFT;
    return writtenAt(heap, address, heap.kinds[noted - 1] ?? (heap.kinds[next] as HeapKind));
  }
  return null;
}

/** The word at an address, in a block of a kind: as it lay there, or as it would. */
function writtenAt(heap: Heap, address: Word, kind: HeapKind): Written {
  // A block lies on a multiple of its size, counted from the first page.
  const word = (address - heap.pagesAt) & (kind.fragmentWords - 1);
  const found = heap.mem.peek(address);
  const expected = isNew(heap, pageOf(heap, address)) ? 0 : POISON;
  const table = at(address, -word);
  return { table, kind, word, found, expected, freedBy: freedBy(heap, address) };
}

function pageOf(heap: Heap, address: Word): Word {
  return pageAddress(heap, pfnOfAddress(heap, address));
}

/**
 * Makes the block as it must be again, or as much of it as lies in the word's page. What was
 * written elsewhere stays, to be found too. Context: as where it was found.
 */
export function restore(heap: Heap, { table, kind, word, expected }: Written): void {
  const page = pageOf(heap, at(table, word));
  const first = Math.max(table, page) as Word;
  const words = Math.min(kind.fragmentWords, pageWords(heap));
  heap.mem.fill(first, words, expected);
}

/** What to throw where it is found. `unfinished`: what is left undone, null for nothing. */
export function writeAfterFree(written: Written, unfinished: string | null): UsageError {
  const { table, word, found, freedBy: by } = written;
  const rest = unfinished === null ? '' : `; but ${unfinished}`;
  const message =
    `allocTable: ${sayWritten(written)}. Look for an address that is kept after the free or ` +
    `beyond a read section, and for writes beyond a block's end. The heap is whole, and the ` +
    `block is as it must be again: call once more${rest}`;
  return new WriteAfterFreeError(message, table, word, found, by);
}

/** A sentence for people, without its full stop. */
export function sayWritten(written: Written): string {
  const { table, kind, word, found, expected, freedBy: by } = written;
  const holds = `word ${word} of block ${table} (kind ${kind.name}), which is free, holds ${found}`;
  const instead = expected === POISON ? `the poison ${POISON} (0xdeadf4ee)` : expected;
  const who =
    by === null
      ? 'somebody wrote there before it was ever handed out'
      : `thread ${by} freed the block, and somebody wrote there after the grace period`;
  return `${holds} instead of ${instead}: ${who}`;
}
