/**
 * Collapse and split: one large frame instead of a table of small ones, and back.
 *
 * Collapse is what `pte_free_defer` is for: readers may be walking the table that goes, so it is
 * unlinked, emptied and freed, and stays a table, though empty, until their sections end. It
 * allocates nothing and cannot fail half-way. The table that a later split needs is not kept by it
 * but brought by who splits (Linux deposits one beforehand, for the same reason).
 *
 * Source: retract_page_tables and collapse_pte_mapped_thp, mm/khugepaged.c, Linux 6.6; the order of
 * locks is theirs, the upper table's and then the lower's.
 */
import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { allocHeld } from '../frag/alloc.js';
import { freeTable } from '../frag/free.js';
import { intendLink, intendNothing } from '../frag/intent.js';
import { acquireWithin, lockStalled, release } from '../mem/lock.js';
import {
  changeEntry,
  childOf,
  clearEntry,
  ENTRY_WORDS,
  lowWord,
  pokeEntry,
  tableLow,
} from './entry.js';
import { frameAddress, isLeaf, LARGE, leafAt, type Prot, PTE } from './format.js';
import { hasTable } from './install.js';
import { lockTable, tableLock } from './lock.js';
import { entryFor, levelOf, type Space } from './space.js';
import { flush } from './tlb.js';

/**
 * Makes the span of one table of pages one large frame at physical `address`, whatever was mapped
 * there page by page; false, and nothing has changed, if there is no such table. The caller has
 * copied the pages' contents and keeps others from changing what they map. A walk meanwhile finds a
 * small page or the large frame; or nothing, if their high words differ (`changeEntry`). Allocates
 * nothing. Blocks on table locks and the mm's lock.
 */
export function collapse(space: Space, vpn: Vpn, address: number, prot: Prot): boolean {
  const { thread, format, mm, record } = space;
  const { heap, mem } = thread;
  const level = levelOf(format, LARGE);
  const above = lockTable(space, vpn, LARGE);
  if (above === 0) return false;
  const entry = entryFor(format, LARGE, above, vpn);
  const table = childOf(mem, level, entry);
  if (table === 0) {
    release(thread, tableLock(heap, above));
    return false;
  }
  // The lower lock under the upper: two words, for tables of two kinds never share a page. Whoever
  // waits for it to change this table will find that the table is not linked any more.
  const lower = tableLock(heap, table);
  if (!acquireWithin(thread, lower, thread.lockWaits.stallMs)) {
    release(thread, tableLock(heap, above));
    throw lockStalled(thread, lower);
  }
  const low = format.leafLow(LARGE, address, prot);
  // In this order: a walk that finds the table empty looks here again, and finds another entry.
  intendLink(thread, table, record, lowWord(entry), tableLow(level, table));
  changeEntry(thread, level, entry, low, format.leafHigh(LARGE, address, prot));
  const pte = levelOf(format, PTE);
  // Walks may be in the table, and see its entries vanish; it must be empty to be freed.
  for (let index = 0; index < 1 << pte.indexBits; index++) {
    const word = at(table, index * ENTRY_WORDS);
    if (isLeaf(pte, mem.load(lowWord(word)))) clearEntry(thread, pte, word);
  }
  // Under the upper lock (T4): whoever has it next unmaps or protects the large frame, and may
  // return before we do. The lower one others wait for only to find that the table is not linked.
  flush(space);
  release(thread, lower);
  release(thread, tableLock(heap, above));
  freeTable(thread, mm, table, true);
  return true;
}

/** Whether a large frame is mapped at a page, now. Blocks on a table lock where no table is. */
export function isLarge(space: Space, vpn: Vpn): boolean {
  // Where there is a table there is no large frame, and that needs no lock.
  if (hasTable(space, vpn, PTE)) return false;
  const { thread, format } = space;
  const { heap, mem } = thread;
  const above = lockTable(space, vpn, LARGE);
  if (above === 0) return false;
  // Under the lock: what a large frame allows may be changed by way of none (entry.ts).
  const low = mem.load(lowWord(entryFor(format, LARGE, above, vpn)));
  release(thread, tableLock(heap, above));
  return isLeaf(levelOf(format, LARGE), low);
}

/** A table for `split`, allocated where that may fail; null: out of pages. */
export function depositTable({ thread, format, mm }: Space): Word | null {
  return allocHeld(thread, mm, levelOf(format, PTE).kind);
}

/** Gives back a deposited table that was not needed. */
export function withdrawTable({ thread, mm }: Space, deposited: Word): void {
  freeTable(thread, mm, deposited, true);
}

/**
 * Makes one large frame a table of pages that map its parts; uses `deposited` for it. False, and
 * nothing has changed, if no large frame is mapped there. A walk meanwhile finds the same frame in
 * both, or nothing, as in a collapse. Allocates nothing. Blocks on a table lock.
 */
export function split(space: Space, vpn: Vpn, deposited: Word): boolean {
  const { thread, format, record } = space;
  const { heap, mem } = thread;
  const level = levelOf(format, LARGE);
  const above = lockTable(space, vpn, LARGE);
  if (above === 0) return false;
  const entry = entryFor(format, LARGE, above, vpn);
  const low = mem.load(lowWord(entry));
  const isLarge = isLeaf(level, low);
  if (isLarge) {
    // Filled before it is linked: a walk that finds the table finds all of its entries. No flush:
    // every page maps to where it did, and allows what it did.
    fillParts(space, deposited, frameAddress(level, low), format.protOf(LARGE, low));
    const link = tableLow(level, deposited);
    intendLink(thread, deposited, record, lowWord(entry), link);
    changeEntry(thread, level, entry, link, level.tableHigh);
    // Under the lock, without which nobody takes it out again.
    intendNothing(thread);
  }
  release(thread, tableLock(heap, above));
  return isLarge;
}

/** Entries for the parts of a large frame, in a table that nobody knows yet. */
function fillParts({ thread, format }: Space, table: Word, address: number, prot: Prot): void {
  const level = levelOf(format, PTE);
  const low = format.leafLow(PTE, address, prot);
  const high = format.leafHigh(PTE, address, prot);
  const pageBytes = 1 << format.pageShift;
  for (let index = 0; index < 1 << level.indexBits; index++) {
    const part = leafAt(level, low, address + index * pageBytes);
    pokeEntry(thread.mem, at(table, index * ENTRY_WORDS), part, high);
  }
}
