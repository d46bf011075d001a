/**
 * The walk: from a virtual page to its frame, without a lock, while tables come and go.
 *
 * In a read section a table that was found stays a table: it may be emptied and unlinked meanwhile,
 * but neither reused nor written by anybody else. What a walk must not do is act on what is gone.
 * So when it has read a leaf it reads the entry above again, which must still name the table (the
 * shape of Linux's gup_fast, mm/gup.c, 6.6). That holds for finding nothing too: a table that was
 * just retracted is empty, but what it mapped may be mapped by the entry above now.
 *
 * A walk may also find nothing for the instant in which an entry is changed by way of none
 * (entry.ts): a collapse or a split on powerpc, on x86-64 one of a frame that may not be executed,
 * and there a change of that right. Whoever takes it for a fault finds under the lock that the page
 * is mapped.
 *
 * A walk that finds a change begins again, a few times; then it takes the table's lock, so that it
 * ends however busy the writers are.
 */
import { assertAtImport } from '../base/assert.js';
import type { Vpn, Word } from '../base/units.js';
import { release } from '../mem/lock.js';
import { lowWord, tableNamed } from './entry.js';
import { type EntryFormat, frameAddress, isLeaf, isTable, PROT, type Prot } from './format.js';
import { lockLowest, tableLock } from './lock.js';
import {
  depthOf,
  entryAt,
  entryFor,
  highOf,
  levelOf,
  reaches,
  rootOf,
  type Space,
  topTable,
  WORD_VALUES,
} from './space.js';

/** What a walk returns where nothing is mapped. */
export const NOT_MAPPED = -1;

/** Begin again: something changed under the walk. */
const CHANGED = -2;

/** Walks without the lock before one with it. */
const TRIES = 4;

const PROT_BITS = 5;

assertAtImport(
  Object.values(PROT).every((bit) => bit < 1 << PROT_BITS),
  'a bit of PROT does not fit what a walk returns',
);

/**
 * The frame that a page is mapped to and what that allows, packed (frameOf, protOf), or NOT_MAPPED.
 * Allocates nothing. Context: inside a read section, and the result is good for as long as that
 * lasts, if whoever unmaps waits for a grace period before it gives the frame to another.
 */
export function walk(space: Space, vpn: Vpn): number {
  return walkAt(space, vpn | 0, highOf(vpn));
}

/**
 * As `walk`, of an address in two words, its lower 32 bits and the rest: a page's number can be too
 * large for an integer, and such a number is allocated when it is passed on.
 */
export function walkAddress(space: Space, low: number, high: number): number {
  const { pageShift } = space.format;
  return walkAt(space, (low >>> pageShift) | (high << (32 - pageShift)), high >>> pageShift);
}

/** As `walk`, of a page's number in two words. */
export function walkAt(space: Space, page: number, high: number): number {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = walkOnce(space, page, high);
    if (found !== CHANGED) return found;
  }
  return walkLocked(space, (high * WORD_VALUES + (page >>> 0)) as Vpn);
}

/** Number of the frame: its physical address by the page size. */
export function frameOf(found: number): number {
  return found >>> PROT_BITS;
}

/** What a mapping that `walk` found allows: bits of `PROT`. */
export function protOf(found: number): Prot {
  return found & ((1 << PROT_BITS) - 1);
}

function walkOnce(space: Space, page: number, high: number): number {
  const { thread, format } = space;
  const { mem } = thread;
  const root = rootOf(space);
  if (root === 0 || !reaches(format, depthOf(root), page, high)) return NOT_MAPPED;
  let table = topTable(root);
  // The low word of the entry that named `table`, and what it was; the top table has none.
  let above = 0 as Word;
  let named = 0;
  for (let number = depthOf(root) - 1; ; number--) {
    const level = levelOf(format, number);
    const word = lowWord(entryAt(level, table, page, high));
    // OBSERVE(entry): the table is what it was when it was linked, or something later.
    const low = mem.load(word);
    if (number === 0 || !isTable(level, low)) {
      // If it still names the table, that was linked when the leaf was read, and what the leaf says
      // was so then (T3). It named no other in between: a table that is unlinked is freed, and not
      // used again before our section ends. The entry above is enough: a table further up is empty
      // before it is unlinked, so this entry would have changed too.
      if (above !== 0 && mem.load(above) !== named) return CHANGED;
      return isLeaf(level, low) ? pack(format, number, low, page) : NOT_MAPPED;
    }
    above = word;
    named = low;
    table = tableNamed(level, low);
  }
}

function pack(format: EntryFormat, number: number, low: number, page: number): number {
  const level = levelOf(format, number);
  const first = frameAddress(level, low) >>> format.pageShift;
  // Large frames are aligned: a page's offset in one is its number's lower bits.
  const within = page & ((1 << level.spanShift) - 1);
  return ((first + within) << PROT_BITS) | format.protOf(number, low);
}

/** The same under the lock of the lowest table that the page goes through. */
function walkLocked(space: Space, vpn: Vpn): number {
  const { thread, format } = space;
  const locked = lockLowest(space, vpn);
  if (locked === null) return NOT_MAPPED;
  const { number, table } = locked;
  // No second look: while its lock is held the table is linked.
  const low = thread.mem.load(lowWord(entryFor(format, number, table, vpn)));
  release(thread, tableLock(thread.heap, table));
  return isLeaf(levelOf(format, number), low) ? pack(format, number, low, vpn | 0) : NOT_MAPPED;
}
