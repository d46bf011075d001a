/**
 * Table locks: one word in the ptdesc of a table's page, so tables that share a page share it, as
 * in Linux.
 *
 * It protects the entries of all tables of the page, and with that which tables those name. It does
 * not protect what lies in the tables below, nor whether the table itself is linked: that is the
 * lock of the table above. In the order of nesting: upper table, lower table, mm lock, supply lock.
 * Tables of one kind are never locked two at a time.
 *
 * The word is never written but by lockers, not when a table is freed or its page returned: a
 * thread that found the table may come for its lock until the grace period is over, and finds then
 * that the table is not linked any more (H6).
 */
import type { StallError } from '../base/errors.js';
import type { Vpn, Word } from '../base/units.js';
import { pageOfNext } from '../frag/alloc.js';
import { MM_TABLE_LOCK, ownerOf } from '../frag/mm.js';
import { type Heap, pfnOfAddress, ptdescOf } from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import { acquireWithin, breakRule, isHeldElsewhere, lockStalled, release } from '../mem/lock.js';
import { SUPPLY_LOCK } from '../mem/supply.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { lowWord, tableNamed } from './entry.js';
import { isTable } from './format.js';
import { depthOf, entryFor, levelOf, pagesOf, rootOf, type Space, topTable } from './space.js';

export function tableLock(heap: Heap, table: Word): Word {
  return (ptdescOf(heap, pfnOfAddress(heap, table)) + PTDESC.LOCK) as Word;
}

/**
 * The table of level `number` that a page goes through; 0 if there is none. Context: inside a read
 * section, for as long as the table is looked at without its lock.
 */
export function findTable(space: Space, vpn: Vpn, number: number): Word | 0 {
  const { thread, format } = space;
  const { mem } = thread;
  const root = rootOf(space);
  if (root === 0 || !(vpn < pagesOf(format, depthOf(root)))) return 0;
  // Each table was linked when the entry above named it, and stays a table until our section ends.
  let table = topTable(root);
  let above = depthOf(root) - 1;
  if (above < number) return 0;
  requireTable(thread.heap, table);
  for (; above > number; above--) {
    const level = levelOf(format, above);
    const entry = entryFor(format, above, table, vpn);
    const low = mem.load(lowWord(entry));
    if (!isTable(level, low)) return 0;
    table = tableNamed(level, low);
    requireTable(thread.heap, table);
  }
  return table;
}

/** In a damaged heap a word may name what is none: above all 0, which would be looked for again. */
function requireTable(heap: Heap, table: Word): void {
  if (table >= heap.pagesAt && table < heap.words) return;
  breakRule(heap, 12, `${table} is named as a table, and lies in no page`);
}

/** What lockTable throws, where the caller has something to undo first. */
export interface Stall {
  readonly error: StallError;
}

/**
 * Locks the table of level `number` that a page goes through, and returns it; 0, and nothing is
 * locked, if there is none. While it is locked the table stays linked: whoever unlinks it needs its
 * lock. Blocks on the table's lock; throws `StallError`, nothing held and nothing changed.
 * Source: pte_offset_map_lock, mm/pgtable-generic.c, 6.6.
 */
export function lockTable(space: Space, vpn: Vpn, number: number): Word | 0 {
  const locked = tryLockTable(space, vpn, number);
  if (typeof locked === 'object') throw locked.error;
  return locked;
}

/** The same, but returns what lockTable throws. */
export function tryLockTable(space: Space, vpn: Vpn, number: number): Word | 0 | Stall {
  const { thread } = space;
  // In a section: while we wait, the word must stay the lock of this table. Once the table is known
  // to be linked our lock keeps it so, and the section can end.
  enterBriefly(thread);
  for (;;) {
    const table = findTable(space, vpn, number);
    if (table === 0) break;
    const lock = tableLock(thread.heap, table);
    if (!acquireWithin(thread, lock, thread.lockWaits.stallMs)) {
      leaveBriefly(thread);
      return { error: lockStalled(thread, lock) };
    }
    // A table that the entry above names is linked: one that was unlinked was empty before.
    if (findTable(space, vpn, number) === table) {
      leaveBriefly(thread);
      return table;
    }
    release(thread, lock);
  }
  leaveBriefly(thread);
  return 0;
}

/**
 * A lock that another thread has, of those that a step at a page takes: the mm's, one of the tables
 * that the page goes through, or where some are missing and the step `maps`, what making them
 * takes; 0 if there is none. Only a look, for a thread that would rather do something else than
 * wait: the lock may be taken as soon as this returns.
 */
export function lockInTheWay(space: Space, vpn: Vpn, maps: boolean): Word | 0 {
  const { thread, mm } = space;
  const { heap } = thread;
  const owner = ownerOf(heap, mm);
  if (isHeldElsewhere(thread, owner)) return owner;
  let found: Word | 0 = 0;
  enterBriefly(thread);
  // A tree that grows takes tables of the kind of its upper levels, which are missing there, too.
  for (let number = depthOf(rootOf(space)) - 1; number >= 0 && found === 0; number--) {
    const table = findTable(space, vpn, number);
    if (table === 0 && !maps) break;
    const lock = table !== 0 ? tableLock(heap, table) : lockOfNext(space, number);
    if (isHeldElsewhere(thread, lock)) found = lock;
  }
  leaveBriefly(thread);
  return found;
}

/** What a new table of a level needs: the lock of its page, which it shares, or the supply's. */
function lockOfNext({ thread, format, mm }: Space, number: number): Word {
  const ptdesc = pageOfNext(thread, mm, levelOf(format, number).kind);
  return ptdesc === 0 ? SUPPLY_LOCK : ((ptdesc + PTDESC.LOCK) as Word);
}

/**
 * The same of making another space like this one: a record for its mm, and its first table. Where
 * mms don't share pages that comes from the supply.
 */
export function lockOfNewSpace(space: Space): Word | 0 {
  const { thread, format } = space;
  const [least] = format.depths as readonly [number];
  const first = thread.heap.sharedOwner ? lockOfNext(space, least - 1) : SUPPLY_LOCK;
  return [MM_TABLE_LOCK, first].find((lock) => isHeldElsewhere(thread, lock)) ?? 0;
}

/** A table and its level. */
export interface Locked {
  readonly number: number;
  readonly table: Word;
}

/**
 * Locks the lowest table that a page goes through: its entry for the page is none or maps a frame.
 * Null, and nothing is locked, where no tree reaches. Blocks on table locks.
 */
export function lockLowest(space: Space, vpn: Vpn): Locked | null {
  const { thread, format } = space;
  const { heap, mem } = thread;
  for (let number = 0; ; ) {
    const root = rootOf(space);
    if (root === 0 || !(vpn < pagesOf(format, depthOf(root)))) return null;
    const table = lockTable(space, vpn, number);
    if (table === 0) {
      number = Math.min(number + 1, depthOf(root) - 1);
      continue;
    }
    const low = mem.load(lowWord(entryFor(format, number, table, vpn)));
    if (number === 0 || !isTable(levelOf(format, number), low)) return { number, table };
    // A table was linked there since we looked for it.
    release(thread, tableLock(heap, table));
    number--;
  }
}
