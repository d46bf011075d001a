/**
 * The walk: from a virtual page to its frame, without a lock, while tables come and go.
 *
 * In a read section a table that was found stays a table: it may be emptied and unlinked meanwhile,
 * but neither reused nor written by anybody else. What a walk must not do is act on what is gone,
 * or on halves of two entries. So it reads a leaf's deciding word, the other, and the deciding one
 * again, and then the entry above, which must still name the table (the shape of Linux's gup_fast,
 * mm/gup.c, 6.6). That holds for finding nothing too: a table that was just retracted is empty, but
 * what it mapped may be mapped by the entry above now.
 *
 * A walk that finds a change begins again, a few times; then it takes the table's lock, so that it
 * ends however busy the writers are.
 */
import type { Vpn, Word } from '../base/units.js';
import { release } from '../mem/lock.js';
import { decidingWord, lowWord, mapsFrame, namesTable, otherWord, tableNamed } from './entry.js';
import type { Format, Level, Prot } from './format.js';
import { lockLowest, tableLock } from './lock.js';
import {
  depthOf,
  entryFor,
  levelOf,
  pagesOf,
  rootOf,
  type Space,
  spanOf,
  topTable,
} from './space.js';

/** What a walk returns where nothing is mapped. */
export const NOT_MAPPED = -1;

/** Begin again: something changed under the walk. */
const CHANGED = -2;

/** Walks without the lock before one with it. */
const TRIES = 4;

const PROT_BITS = 5;

/**
 * The frame that a page is mapped to and what that allows, packed (frameOf, protOf), or NOT_MAPPED.
 * Allocates nothing. Context: inside a read section, and the result is good for as long as that
 * lasts, if whoever unmaps waits for a grace period before it gives the frame to another.
 */
export function walk(space: Space, vpn: Vpn): number {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = walkOnce(space, vpn);
    if (found !== CHANGED) return found;
  }
  return walkLocked(space, vpn);
}

/** Number of the frame: its physical address by the page size. */
export function frameOf(found: number): number {
  return found >>> PROT_BITS;
}

export function protOf(found: number): Prot {
  return found & ((1 << PROT_BITS) - 1);
}

function walkOnce(space: Space, vpn: Vpn): number {
  const { thread, format } = space;
  const { heap, mem } = thread;
  const root = rootOf(space);
  if (root === 0 || !(vpn < pagesOf(format, depthOf(root)))) return NOT_MAPPED;
  let table = topTable(root);
  // The entry that named `table`, and its words as they were; the top table has none.
  let above = 0 as Word;
  let aboveLow = 0;
  let aboveLevel = levelOf(format, 0);
  for (let number = depthOf(root) - 1; number >= 0; number--) {
    const level = levelOf(format, number);
    const entry = entryFor(format, number, table, vpn);
    const seen = mem.load(decidingWord(level, entry));
    const descends = number > 0 && namesTable(level, seen);
    if (!descends) {
      const found = leafAt(space, number, entry, seen, vpn);
      if (found === CHANGED || above === 0) return found;
      return stillNames(space, aboveLevel, above, aboveLow) ? found : CHANGED;
    }
    // OBSERVE(entry): the table is what it was when it was linked, or something later.
    const low = level.decides === 0 ? seen : mem.load(lowWord(entry));
    if (level.decides !== 0 && mem.load(decidingWord(level, entry)) !== seen) return CHANGED;
    above = entry;
    aboveLow = low;
    aboveLevel = level;
    table = tableNamed(heap, level, low);
  }
  return CHANGED;
}

function stillNames({ thread }: Space, level: Level, entry: Word, low: number): boolean {
  if (thread.mem.load(lowWord(entry)) !== low) return false;
  return level.decides === 0 || namesTable(level, thread.mem.load(decidingWord(level, entry)));
}

/** What an entry whose deciding word was `seen` maps the page to. */
function leafAt(space: Space, number: number, entry: Word, seen: number, vpn: Vpn): number {
  const { format, thread } = space;
  const level = levelOf(format, number);
  if (!mapsFrame(level, seen)) return NOT_MAPPED;
  const other = thread.mem.load(otherWord(level, entry));
  if (thread.mem.load(decidingWord(level, entry)) !== seen) return CHANGED;
  const low = level.decides === 0 ? seen : other;
  const high = level.decides === 0 ? other : seen;
  return pack(format, number, low, high, vpn);
}

function pack(format: Format, number: number, low: number, high: number, vpn: Vpn): number {
  const level = levelOf(format, number);
  const first = (low & level.frameMask) >>> format.pageShift;
  const within = number === 0 ? 0 : vpn & (spanOf(format, number) - 1);
  return ((first + within) << PROT_BITS) | format.protOf(number, low, high);
}

/** The same under the lock of the lowest table that the page goes through. */
function walkLocked(space: Space, vpn: Vpn): number {
  const { thread, format } = space;
  const locked = lockLowest(space, vpn);
  if (locked === null) return NOT_MAPPED;
  const { number, table } = locked;
  const entry = entryFor(format, number, table, vpn);
  const seen = thread.mem.load(decidingWord(levelOf(format, number), entry));
  const found = leafAt(space, number, entry, seen, vpn);
  release(thread, tableLock(thread.heap, table));
  return found;
}
