/** Linking tables where there are none yet, and taking empty ones out. */
import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { allocHeld } from '../frag/alloc.js';
import { freeTable } from '../frag/free.js';
import { intendLink, intendNothing } from '../frag/intent.js';
import { acquireWithin, lockStalled, release } from '../mem/lock.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { childOf, clearEntry, ENTRY_WORDS, isNone, lowWord, setEntry, tableLow } from './entry.js';
import { findTable, lockLowest, lockTable, tableLock, tryLockTable } from './lock.js';
import { depthOf, entryFor, growSpace, levelOf, rootOf, type Space } from './space.js';

/** `leaf`: a frame larger than the wanted table's pages is mapped there. */
export type Installed = 'ready' | 'no-page' | 'leaf';

/**
 * Sees to it that a page has tables down to level `number`. What it has linked when it runs out of
 * pages stays: empty tables, which the next unmap of their span takes out. Blocks on table locks
 * and the mm's lock. Throws `UsageError` for a page that no tree can map.
 */
export function installTables(space: Space, vpn: Vpn, number: number): Installed {
  // A look without a lock, here and below: when it says yes the table may be gone again, which the
  // caller finds out under the lock; when it says no, linkTable does.
  if (hasTable(space, vpn, number)) return 'ready';
  if (growSpace(space, vpn) === 'no-page') return 'no-page';
  for (let below = depthOf(rootOf(space)) - 2; below >= number; below--) {
    if (hasTable(space, vpn, below)) continue;
    const outcome = linkTable(space, vpn, below);
    if (outcome !== 'ready') return outcome;
  }
  return 'ready';
}

/** Whether a page has a table of level `number`: it may be gone, or be there, by the return. */
export function hasTable(space: Space, vpn: Vpn, number: number): boolean {
  enterBriefly(space.thread);
  const found = findTable(space, vpn, number) !== 0;
  leaveBriefly(space.thread);
  return found;
}

/** Links a table of level `below`, or finds that another thread was faster. */
function linkTable(space: Space, vpn: Vpn, below: number): Installed {
  const { thread, format, mm, record } = space;
  const { heap, mem } = thread;
  // Before a lock is taken: with one held it would wait for the mm's lock and the supply's.
  const fresh = allocHeld(thread, mm, levelOf(format, below).kind);
  const level = levelOf(format, below + 1);
  const table = tryLockTable(space, vpn, below + 1);
  if (typeof table === 'object' || table === 0) {
    // 0: taken out as empty since we saw it; the caller finds that out and starts further up.
    if (fresh !== null) freeTable(thread, mm, fresh, true);
    if (typeof table === 'object') throw table.error;
    return 'ready';
  }
  const entry = entryFor(format, below + 1, table, vpn);
  // Also without a table to link: what is mapped there is no matter of memory.
  const none = isNone(mem, level, entry);
  const other = childOf(mem, level, entry);
  if (none && fresh !== null) {
    const low = tableLow(level, fresh);
    intendLink(thread, fresh, record, lowWord(entry), low);
    setEntry(thread, level, entry, low, level.tableHigh);
    // Under the lock, without which nobody takes it out again.
    intendNothing(thread);
  }
  release(thread, tableLock(heap, table));
  if (none) return fresh === null ? 'no-page' : 'ready';
  // The table was never linked, but there is only one way to free it.
  if (fresh !== null) freeTable(thread, mm, fresh, true);
  return other !== 0 ? 'ready' : 'leaf';
}

/** Whether no entry of a table is valid. Context: its lock held. */
export function isEmptyTable(space: Space, number: number, table: Word): boolean {
  const level = levelOf(space.format, number);
  for (let index = 0; index < 1 << level.indexBits; index++) {
    if (!isNone(space.thread.mem, level, at(table, index * ENTRY_WORDS))) return false;
  }
  return true;
}

/** Pages were unmapped before: to do that again does no harm, and takes out what is empty. */
export const STILL_LINKED = 'a table that may be empty stays linked';

/**
 * Takes the table of level `number` that a page goes through out of the tree and frees it, if it is
 * empty; then the one above if that has become empty, and so on; the top table stays. Allocates
 * nothing. Blocks on table locks and the mm's lock.
 */
export function reclaimTables(space: Space, vpn: Vpn, number: number): void {
  const { thread, format, mm, record } = space;
  const { heap, mem } = thread;
  for (let below = number; below < depthOf(rootOf(space)) - 1; below++) {
    const level = levelOf(format, below + 1);
    const table = lockTable(space, vpn, below + 1);
    if (table === 0) return;
    const entry = entryFor(format, below + 1, table, vpn);
    const child = childOf(mem, level, entry);
    // Both locks: under its own nobody fills the table while we see that it is empty, and
    // under the upper one nobody else unlinks it.
    const lower = tableLock(heap, child as Word);
    if (child !== 0 && !acquireWithin(thread, lower, thread.lockWaits.stallMs)) {
      release(thread, tableLock(heap, table));
      throw lockStalled(thread, lower, STILL_LINKED);
    }
    const empty = child !== 0 && isEmptyTable(space, below, child);
    if (empty) {
      const slot = lowWord(entry);
      intendLink(thread, child, record, slot, mem.load(slot));
      // From here on nobody who does not have the table already finds it.
      clearEntry(thread, level, entry);
    }
    if (child !== 0) release(thread, lower);
    release(thread, tableLock(heap, table));
    if (!empty) return;
    // No lock is held, and none is needed: who still has the table finds it empty and can
    // lock it, until the section ends in which it was found (H6).
    freeTable(thread, mm, child as Word, true);
  }
}

/** Takes out those of the tables that a page goes through that are empty. As reclaimTables. */
export function reclaimEmpty(space: Space, vpn: Vpn): void {
  const locked = lockLowest(space, vpn);
  if (locked === null) return;
  release(space.thread, tableLock(space.thread.heap, locked.table));
  reclaimTables(space, vpn, locked.number);
}
