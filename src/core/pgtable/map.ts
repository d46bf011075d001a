/**
 * Mapping, unmapping, changing what is allowed: one step a table.
 *
 * A step works on the pages of one table at the lowest level, under its lock, and ends where that
 * table ends; ranges are loops of steps with a cursor (X8), so that they can be interrupted, and so
 * that a lock is held for one table's length at most. Between two steps others may work on the same
 * pages; a range is not atomic, as it is not in Linux.
 */
import type { StallError } from '../base/errors.js';
import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Thread } from '../mem/heap.js';
import { release } from '../mem/lock.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { changeEntry, clearEntry, ENTRY_WORDS, isNone, lowWord, setEntry } from './entry.js';
import { frameAddress, isLeaf, type Level, leafAt, PROT, type Prot, PTE } from './format.js';
import { installTables, isEmptyTable, reclaimTables, STILL_LINKED } from './install.js';
import { findTable, type Locked, lockLowest, type Stall, tableLock, tryLockTable } from './lock.js';
import { entryFor, levelOf, type Space, spanOf } from './space.js';
import { flush } from './tlb.js';

/** How a step ended: pages done, or why none was. */
export type Step =
  | { readonly kind: 'done'; readonly pages: number; readonly changed: number }
  /** Out of pages; nothing has changed but for empty tables. */
  | { readonly kind: 'no-page' }
  /** `vpn` is mapped already; nothing has changed. */
  | { readonly kind: 'mapped'; readonly vpn: Vpn }
  /** A larger frame is mapped of which only a part is meant: split it first (collapse.ts). */
  | { readonly kind: 'large'; readonly vpn: Vpn };

/**
 * Pages that a step does from `vpn` on: those of a table at the lowest level; above, those of one
 * entry, or of all that are none up to the next that isn't. Context: the table's lock held.
 */
export function pagesIn(
  { thread, format }: Space,
  { number, table }: Locked,
  vpn: Vpn,
  count: number,
): number {
  const level = levelOf(format, number);
  const span = spanOf(format, number);
  const end = span * 2 ** level.indexBits;
  const toEnd = end - (vpn % end);
  if (number === PTE) return Math.min(count, toEnd);
  let pages = span - (vpn % span);
  let entry = entryFor(format, number, table, vpn);
  while (pages < Math.min(count, toEnd) && isNone(thread.mem, level, entry)) {
    entry = at(entry, ENTRY_WORDS);
    if (isNone(thread.mem, level, entry)) pages += span;
    else break;
  }
  return Math.min(count, pages);
}

/**
 * Looks at pages from `vpn` on, as far as one table goes: `mapped` names the first that is mapped.
 * Changes nothing, and what it saw may be over when it returns. Blocks on table locks.
 */
export function scanStep(space: Space, vpn: Vpn, count: number): Step {
  const { thread, format } = space;
  const locked = lockLowest(space, vpn);
  if (locked === null) return { kind: 'done', pages: count, changed: 0 };
  const { number, table } = locked;
  const pages = pagesIn(space, locked, vpn, count);
  const level = levelOf(format, number);
  const first = entryFor(format, number, table, vpn);
  const entries = number === PTE ? pages : 1;
  // Under the lock, though nothing is written: so the table is linked for as long as we look.
  let index = 0;
  while (index < entries && isNone(thread.mem, level, at(first, index * ENTRY_WORDS))) index++;
  release(thread, tableLock(thread.heap, table));
  if (index < entries) return { kind: 'mapped', vpn: (vpn + index) as Vpn };
  return { kind: 'done', pages, changed: 0 };
}

/**
 * What to throw where the lowest table's lock was waited for in vain. The table may be one that was
 * just linked: it shares its page, and so its lock, with others. To take it out needs that lock.
 */
function stalledAt(space: Space, vpn: Vpn, { error }: Stall): StallError {
  enterBriefly(space.thread);
  const table = findTable(space, vpn, PTE);
  const isEmpty = table !== 0 && isEmptyTable(space, PTE, table);
  leaveBriefly(space.thread);
  return isEmpty ? error.leaving(STILL_LINKED) : error;
}

/**
 * Maps pages from `vpn` on to the frames from physical `address` on, as far as one table goes.
 * All of them must be unmapped, or none is mapped. Blocks on table locks and the mm's lock.
 */
export function mapStep(space: Space, vpn: Vpn, count: number, address: number, prot: Prot): Step {
  const { thread, format } = space;
  const { heap, mem } = thread;
  const level = levelOf(format, PTE);
  const outcome = installTables(space, vpn, PTE);
  if (outcome === 'no-page') return { kind: 'no-page' };
  if (outcome === 'leaf') return { kind: 'mapped', vpn };
  const table = tryLockTable(space, vpn, PTE);
  if (typeof table === 'object') throw stalledAt(space, vpn, table);
  // Taken out as empty meanwhile: no page was mapped, try again.
  if (table === 0) return { kind: 'done', pages: 0, changed: 0 };
  const pages = pagesIn(space, { number: PTE, table }, vpn, count);
  const first = entryFor(format, PTE, table, vpn);
  // All are looked at before one is set, under the lock that keeps what was seen.
  let taken = 0;
  while (taken < pages && isNone(mem, level, at(first, taken * ENTRY_WORDS))) taken++;
  if (taken < pages) {
    release(thread, tableLock(heap, table));
    return { kind: 'mapped', vpn: (vpn + taken) as Vpn };
  }
  const low = format.leafLow(PTE, address, prot);
  const high = format.leafHigh(PTE, address, prot);
  const pageBytes = 1 << format.pageShift;
  for (let page = 0; page < pages; page++) {
    const part = leafAt(level, low, address + page * pageBytes);
    setEntry(thread, level, at(first, page * ENTRY_WORDS), part, high);
  }
  // No flush: a TLB keeps nothing of a page that it did not find.
  release(thread, tableLock(heap, table));
  return { kind: 'done', pages, changed: pages };
}

/**
 * Unmaps pages from `vpn` on, as far as one table goes, and takes out tables that become empty. A
 * hole is skipped, whole where no table is. When it returns no TLB has the pages any more; frames
 * may be given to others a grace period later. Allocates nothing. Blocks on table locks and the
 * mm's lock.
 */
export function unmapStep(space: Space, vpn: Vpn, count: number): Step {
  const { thread } = space;
  const locked = lockLowest(space, vpn);
  if (locked === null) return { kind: 'done', pages: count, changed: 0 };
  const { number, table } = locked;
  const pages = pagesIn(space, locked, vpn, count);
  const changed = changeRange(space, locked, vpn, pages, clearEntry);
  // A hint, for reclaimTables: it asks again under both locks, others may map here in between.
  const empty = changed !== PARTIAL && isEmptyTable(space, number, table);
  // Under the lock (T4): whoever has it next finds the pages unmapped, or maps them anew, and may
  // return before we do. A flush that came then would be one that it did not wait for.
  if (changed > 0) flush(space);
  release(thread, tableLock(thread.heap, table));
  if (changed === PARTIAL) return { kind: 'large', vpn };
  if (empty) reclaimTables(space, vpn, number);
  return { kind: 'done', pages, changed };
}

/**
 * Changes what mapped pages from `vpn` on allow, as far as one table goes; holes stay holes, and
 * what was done to a page is kept. When it returns no TLB has the old. Allocates nothing. Blocks on
 * table locks.
 */
export function protectStep(space: Space, vpn: Vpn, count: number, prot: Prot): Step {
  const { thread, format } = space;
  const locked = lockLowest(space, vpn);
  if (locked === null) return { kind: 'done', pages: count, changed: 0 };
  const { number, table } = locked;
  const pages = pagesIn(space, locked, vpn, count);
  const changed = changeRange(space, locked, vpn, pages, ({ mem }, level, entry) => {
    // Nobody else writes the entry between this load and the change: its table is locked.
    const low = mem.load(lowWord(entry));
    const allows = (prot & ALLOWS) | (format.protOf(number, low) & ~ALLOWS);
    const frame = frameAddress(level, low);
    const next = format.leafLow(number, frame, allows);
    changeEntry(thread, level, entry, next, format.leafHigh(number, frame, allows));
  });
  // Under the lock (T4), as in unmapStep.
  if (changed > 0) flush(space);
  release(thread, tableLock(thread.heap, table));
  if (changed === PARTIAL) return { kind: 'large', vpn };
  return { kind: 'done', pages, changed };
}

/** Of PROT, what a page allows; the rest is what was done to it. */
const ALLOWS = PROT.read | PROT.write | PROT.exec;

/** Nothing was changed: a larger frame is mapped there, and not all of it was meant. */
const PARTIAL = -1;

/**
 * Changes all entries that map something of `pages` pages from `vpn` on; returns how many pages, or
 * PARTIAL. Context: the table's lock held.
 */
function changeRange(
  { thread, format }: Space,
  { number, table }: Locked,
  vpn: Vpn,
  pages: number,
  change: (thread: Thread, level: Level, entry: Word) => void,
): number {
  const { mem } = thread;
  const level = levelOf(format, number);
  const first = entryFor(format, number, table, vpn);
  const entries = number === PTE ? pages : 1;
  const span = spanOf(format, number);
  let changed = 0;
  for (let index = 0; index < entries; index++) {
    const entry = at(first, index * ENTRY_WORDS);
    if (!isLeaf(level, mem.load(lowWord(entry)))) continue;
    // Nothing was changed yet: above the lowest level this is the only entry.
    if (pages < span) return PARTIAL;
    change(thread, level, entry);
    changed += span;
  }
  return changed;
}
