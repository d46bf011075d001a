/**
 * An address space: an mm with a tree of page tables.
 *
 *   ROOT word of the mm's record
 *    31                                3 2    0
 *   +-----------------------------------+------+
 *   | address of the top table (a word) | depth|     0: no tree
 *   +-----------------------------------+------+
 *
 *   0 -> root      makeSpace, by the mm's creator
 *   root -> root'  growSpace puts a table above the top one (s390): compare-and-swap
 *   root -> 0      endSpace, by whoever ends the mm
 *
 * Tables are whole multiples of 8 words, so the low bits of an address are free. The depth is in
 * the same word as the address because a walk must not pair one tree's top with another's depth.
 */
import { UsageError } from '../base/errors.js';
import type { MmId, Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { allocHeld } from '../frag/alloc.js';
import { freeTable } from '../frag/free.js';
import { intendLink, intendNothing } from '../frag/intent.js';
import { isMm, noSuchMm, ownerOf, whyNotLive } from '../frag/mm.js';
import { mmRecord, type Thread } from '../mem/heap.js';
import { MM } from '../mem/layout.js';
import { acquireWithin, lockStalled, release } from '../mem/lock.js';
import { ENTRY_WORDS, isNone, pokeEntry, tableLow } from './entry.js';
import { DEPTH_MAX, type EntryFormat, type Level } from './format.js';

/** A thread's handle on an address space. */
export interface Space {
  readonly thread: Thread;
  readonly format: EntryFormat;
  readonly mm: MmId;
  readonly record: Word;
}

// Consts of this module, as mem/layout.ts says.
const { LIFE, ROOT } = MM;

/** Bits of ROOT that are the depth. */
const DEPTH_MASK = DEPTH_MAX;

export function spaceOf(thread: Thread, format: EntryFormat, mm: MmId): Space {
  if (!isMm(thread.heap, mm)) throw noSuchMm(thread.heap, mm);
  return Object.freeze({ thread, format, mm, record: mmRecord(thread.heap, mm) });
}

function rootWord(record: Word): Word {
  return (record + ROOT) as Word;
}

/**
 * ROOT: 0 when the space has no tree (any more). Context: any; a read section to go further.
 *
 * A handle may be older than what its record serves by now: what it asks for is refused here, for
 * every way into a tree is this one. ROOT first, then LIFE: the record's next mm had its number
 * before it had a tree, so whoever has that tree's root finds that number, or a later one. So no
 * order is needed of the second read. And a root of our own mm stays good to the end of the read
 * section, whatever ends meanwhile: before a grace period is over no table is used again, and the
 * record serves no other mm.
 */
export function rootOf({ thread, mm, record }: Space): number {
  // OBSERVE(root): the top table is what it was when it was stored here, or something later.
  const root = thread.mem.load((record + ROOT) as Word);
  return thread.mem.glance((record + LIFE) as Word) === mm ? root : 0;
}

export function depthOf(root: number): number {
  return root & DEPTH_MASK;
}

export function topTable(root: number): Word {
  return (root & ~DEPTH_MASK) as Word;
}

export function levelOf(format: EntryFormat, level: number): Level {
  return format.levels[level] as Level;
}

/** 2^0 to 2^52, the most pages that there are: a power computed costs as much as a walk. */
const POWERS: readonly number[] = Object.freeze(Array.from({ length: 53 }, (_, n) => 2 ** n));

/** Pages that a tree of so many levels maps. */
export function pagesOf(format: EntryFormat, depth: number): number {
  const { spanShift, indexBits } = levelOf(format, depth - 1);
  return POWERS[spanShift + indexBits] as number;
}

/** Pages that one entry of a level maps. */
export function spanOf(format: EntryFormat, level: number): number {
  return POWERS[levelOf(format, level).spanShift] as number;
}

/** The entry of `table`, of `level`, that a page goes through. */
export function entryFor(format: EntryFormat, level: number, table: Word, vpn: Vpn): Word {
  return entryAt(levelOf(format, level), table, vpn | 0, highOf(vpn));
}

export const WORD_VALUES = 0x1_0000_0000;

/** The upper 20 bits of a page's number; `vpn | 0` are the lower 32. */
export function highOf(vpn: Vpn): number {
  return (vpn / WORD_VALUES) | 0;
}

/** As entryFor, of a page's number in two words: a walk computes with integers alone. */
export function entryAt(
  { spanShift, indexBits }: Level,
  table: Word,
  low: number,
  high: number,
): Word {
  // Shifts count modulo 32: what comes down from `high` is shifted in two steps.
  const shifted =
    spanShift < 32
      ? (low >>> spanShift) | ((high << 1) << (31 - spanShift))
      : high >>> (spanShift - 32);
  return (table + 2 * (shifted & ((1 << indexBits) - 1))) as Word;
}

/** Whether a tree of so many levels maps a page. */
export function reaches(format: EntryFormat, depth: number, low: number, high: number): boolean {
  const { spanShift, indexBits } = levelOf(format, depth - 1);
  const bits = spanShift + indexBits;
  return bits < 32 ? high === 0 && low >>> bits === 0 : high >>> (bits - 32) === 0;
}

/**
 * Gives a live mm without tables an empty tree of the format's least depth. False: out of pages.
 * Context: the mm's creator, before anybody else knows the mm.
 */
export function makeSpace({ thread, format, mm, record }: Space): boolean {
  const [depth] = format.depths as readonly [number];
  const top = allocHeld(thread, mm, levelOf(format, depth - 1).kind);
  if (top === null) return false;
  intendLink(thread, top, record, rootWord(record), top | depth);
  // No flush: what the record's last mm had mapped was unmapped, and flushed, before that ended.
  // PUBLISH(root): the table is empty, and whoever finds it here sees it so.
  thread.mem.store(rootWord(record), top | depth);
  intendNothing(thread);
  return true;
}

/**
 * Makes the tree deep enough for a page. `grown`: it is now; `no-page`: out of pages, and nothing
 * has changed. Throws `UsageError` for a page beyond the deepest tree. Blocks on the mm's lock.
 */
export function growSpace(space: Space, vpn: Vpn): 'grown' | 'no-page' {
  const { thread, format, mm } = space;
  const deepest = format.depths.at(-1) as number;
  if (!(vpn >= 0 && vpn < pagesOf(format, deepest))) {
    throw new UsageError('bad-address', `page ${vpn} is beyond what ${format.name} can map`);
  }
  for (;;) {
    const root = rootOf(space);
    if (root === 0) throw noSpace(space);
    const depth = depthOf(root);
    if (vpn < pagesOf(format, depth)) return 'grown';
    const above = allocHeld(thread, mm, levelOf(format, depth).kind);
    if (above === null) return 'no-page';
    // Nobody knows the table yet.
    const level = levelOf(format, depth);
    const entry = entryFor(format, depth, above, 0 as Vpn);
    pokeEntry(thread.mem, entry, tableLow(level, topTable(root)), level.tableHigh);
    if (replaceRoot(space, root, above, depth + 1)) continue;
    // Empty again, as a table must be that is freed. It was never linked, so plainly.
    pokeEntry(thread.mem, entry, level.emptyLow, level.emptyHigh);
    freeTable(thread, mm, above, true);
  }
}

/**
 * Puts a table above the top one; false: another thread was faster, and one starts again from what
 * it found. A walk that has the old root goes on in the same tables. Blocks on the mm's lock.
 */
function replaceRoot(
  { thread, mm, record }: Space,
  root: number,
  above: Word,
  depth: number,
): boolean {
  const { mem } = thread;
  const word = rootWord(record);
  const owner = ownerOf(thread.heap, mm);
  // For whoever recovers what we leave, if we die here: while the lock is ours nobody puts another
  // table above this one.
  if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {
    throw lockStalled(thread, owner, `table ${above} of mm ${mm} is allocated but not linked`);
  }
  intendLink(thread, above, record, word, above | depth);
  const isOurs = mem.cas(word, root, above | depth) === root;
  if (isOurs) intendNothing(thread);
  release(thread, owner);
  return isOurs;
}

/**
 * Takes the empty tree from a space: its top table is freed, and the mm can be destroyed. False if
 * some page is still mapped or some table left. Context: nobody else works on the space; readers
 * may still walk it.
 */
export function endSpace(space: Space): boolean {
  const { thread, format, mm, record } = space;
  const { mem } = thread;
  const root = rootOf(space);
  if (root === 0) throw noSpace(space);
  const level = levelOf(format, depthOf(root) - 1);
  const top = topTable(root);
  for (let index = 0; index < 1 << level.indexBits; index++) {
    if (!isNone(mem, level, at(top, index * ENTRY_WORDS))) return false;
  }
  // Unlinked, then freed: who walks from here on finds no tree, who has the table finds it empty.
  intendLink(thread, top, record, rootWord(record), root);
  mem.store(rootWord(record), 0);
  freeTable(thread, mm, top, true);
  return true;
}

export function noSpace({ thread, mm }: Space): UsageError {
  const why = whyNotLive(thread.heap, mm);
  return new UsageError('no-space', why ?? `mm ${mm} has no page tables: never made, or ended`);
}

/** The error of a space that is unmapped in slices, and then ends. */
export function ending({ mm }: Space): UsageError {
  return new UsageError('no-space', `mm ${mm} has no page tables: an exitAsync of it is under way`);
}
