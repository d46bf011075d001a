/**
 * Debug heaps: what lies in free memory, and who freed what lay there.
 *
 * From the moment that a fragment becomes F until it is handed out all its words are POISON. So
 * are those of a page in the supply in which a table was freed once. A word that is not was
 * written by somebody who kept an address for too long (U1); it is found when the memory is handed
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
import { pageAddress, pfnOfAddress, pfnOfPtdesc, ptdescOf } from '../mem/heap.js';
import { FREED_BY } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { findNotEmpty, isEmptyWord } from './contents.js';
import { getState, kindIdOf, tableAt } from './ptdesc.js';
import { C } from './state.js';

/** 0xdeadf4ee: easily seen in a dump, and, being negative, no address and no count. */
export const POISON: number = 0xdeadf4ee | 0;

/** A word that was written while its memory was free. */
export interface Written {
  /** First word of the block that lay there when it was freed. */
  readonly table: Word;
  readonly kind: HeapKind;
  /** Offset of the word in the block, and what it holds. */
  readonly word: number;
  readonly found: number;
  /** Who freed the block; null: what lies there was never handed out. */
  readonly freedBy: ThreadId | null;
}

/** Notes who frees a table. Context: owner's lock held. */
export function recordFree({ heap, mem, id }: Thread, table: Word, kindId: KindId): void {
  const kind = heap.kinds[kindId] as HeapKind;
  const words = 1 << (kind.fragmentShift - heap.freedByShift);
  mem.fill(freedByWord(heap, table), words, (id + 1) | (kindId << FREED_BY.KIND_SHIFT));
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

/** Offset of the first word that is not poison; null: all are. */
function findWritten(mem: Memory, first: Word, words: number): number | null {
  for (let i = 0; i < words; i++) if (mem.peek(at(first, i)) !== POISON) return i;
  return null;
}

/** What was written into a fragment that is F. Context: owner's lock held, or at rest. */
export function writtenInFragment(heap: Heap, table: Word, kind: HeapKind): Written | null {
  const word = findWritten(heap.mem, table, kind.fragmentWords);
  if (word === null) return null;
  const found = heap.mem.peek(at(table, word));
  return { table, kind, word, found, freedBy: freedBy(heap, table) };
}

/**
 * What was written into the `words` words of pages from `pfn` on, which the supply has or had until
 * now. Pages in which nothing was freed yet are as they were made. Context: the pages are private,
 * or at rest.
 */
export function writtenInPages(heap: Heap, pfn: Pfn, words: number): Written | null {
  const first = pageAddress(heap, pfn);
  const pageWords = 2 ** heap.pageShift;
  for (let done = 0; done < words; done += pageWords) {
    // Fragment 0 of a page is handed out first, and freed before the page is given back.
    if (heap.mem.peek(freedByWord(heap, at(first, done))) === 0) continue;
    const offset = findWritten(heap.mem, at(first, done), pageWords);
    if (offset !== null) return freedAt(heap, at(first, done + offset));
  }
  return null;
}

/** The block that lay at a word, by what its free noted. */
function freedAt(heap: Heap, address: Word): Written {
  const noted = heap.mem.peek(freedByWord(heap, address));
  // Where nothing was freed there is the kind that the page had last.
  const last = kindIdOf(heap.mem, ptdescOf(heap, pfnOfAddress(heap, address)));
  const kind = heap.kinds[noted === 0 ? last : noted >>> FREED_BY.KIND_SHIFT] as HeapKind;
  // A block lies on a multiple of its size, counted from the first page.
  const word = (address - heap.pagesAt) & (kind.fragmentWords - 1);
  const found = heap.mem.peek(address);
  return { table: at(address, -word), kind, word, found, freedBy: freedBy(heap, address) };
}

/** What to throw where it is found. `unfinished`: what is left undone, null for nothing. */
export function writeAfterFree(written: Written, unfinished: string | null): UsageError {
  const { table, word, found, freedBy: by } = written;
  const rest = unfinished === null ? '' : `; but ${unfinished}`;
  const message =
    `allocTable: ${sayWritten(written)}. Look for an address that is kept after the free or ` +
    `beyond a read section, and for writes beyond a block's end. The heap is whole, and the ` +
    `poison is there again: call once more${rest}`;
  return new WriteAfterFreeError(message, table, word, found, by);
}

/** A sentence for people, without its full stop. */
export function sayWritten({ table, kind, word, found, freedBy: by }: Written): string {
  const holds = `word ${word} of block ${table} (kind ${kind.name}), which is free, holds ${found}`;
  const who =
    by === null
      ? 'somebody wrote there before it was ever handed out'
      : `thread ${by} freed the block, and somebody wrote there after the grace period`;
  return `${holds} instead of the poison ${POISON} (0xdeadf4ee): ${who}`;
}
