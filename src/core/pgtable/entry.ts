/**
 * Entries: writing them so that whoever looks finds an old one or a new one.
 *
 *   none -> valid    the high word, then the low one, which decides
 *   valid -> none    the low word, then the high one
 *   valid -> valid   one store of the low word; by way of none if the high one changes too
 *
 * The high one changes where a table becomes a large frame, or the reverse, on powerpc (their marks
 * differ) and on x86-64 if the frame may not be executed (NX); and on x86-64 where NX changes. On
 * s390 and RISC-V it never does.
 *
 * Writers hold the lock of the entry's table; readers hold nothing, and load the low word only
 * (format.ts). All of a linked table's words are atomic; those of a table that nobody knows yet are
 * plain.
 */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import { LITTLE_ENDIAN } from '../mem/endian.js';
import type { Thread } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { isTable, type Level, tableAddress, tableEntry } from './format.js';

const LOW = LITTLE_ENDIAN ? 0 : 1;
const HIGH = LITTLE_ENDIAN ? 1 : 0;

/** Words of an entry. */
export const ENTRY_WORDS = 2;

export function lowWord(entry: Word): Word {
  return (entry + LOW) as Word;
}

export function highWord(entry: Word): Word {
  return (entry + HIGH) as Word;
}

/**
 * Physical address of a table: its byte offset in the heap, where it is aligned to its size
 * (mem/layout.ts). No table lies at 0, which an entry may take for none: there is the header.
 */
export function physicalOf(table: Word): number {
  return (table << 2) >>> 0;
}

/** The table that an entry names, by its low word. */
export function tableNamed(level: Level, low: number): Word {
  return (tableAddress(level, low) >>> 2) as Word;
}

/** Low word of an entry of `level` that names `table`. */
export function tableLow(level: Level, table: Word): number {
  return tableEntry(level, physicalOf(table));
}

/** Whether an entry is none. Context: its table's lock held, or the table private. */
export function isNone(mem: Memory, level: Level, entry: Word): boolean {
  return ((mem.load(lowWord(entry)) ^ level.emptyLow) & ~level.residueLow) === 0;
}

/** The table that an entry names, 0 if it names none. Context: as isNone. */
export function childOf(mem: Memory, level: Level, entry: Word): Word | 0 {
  const low = mem.load(lowWord(entry));
  return isTable(level, low) ? tableNamed(level, low) : 0;
}

/**
 * Makes a none entry valid. Context: its table's lock held, or nobody else knows the space.
 */
export function setEntry(
  thread: Thread,
  level: Level,
  entry: Word,
  low: number,
  high: number,
): void {
  const { mem } = thread;
  if (high === level.emptyHigh) {
    // PUBLISH(entry): the table below, or what the caller wrote in the frame.
    mem.store(lowWord(entry), low);
    return;
  }
  beginChange(thread, entry, level.emptyLow, level.emptyHigh);
  // The high word while the low one still says none: nobody acts on it yet.
  mem.store(highWord(entry), high);
  // PUBLISH(entry): as above.
  mem.store(lowWord(entry), low);
  endChange(thread);
}

/** Makes an entry none. Context: its table's lock held. */
export function clearEntry(thread: Thread, level: Level, entry: Word): void {
  const { mem } = thread;
  const { emptyLow, emptyHigh } = level;
  // Most high words are empty already.
  if (mem.load(highWord(entry)) === emptyHigh) {
    mem.store(lowWord(entry), emptyLow);
    return;
  }
  beginChange(thread, entry, emptyLow, emptyHigh);
  // The low word first: from here on nobody acts on the entry.
  mem.store(lowWord(entry), emptyLow);
  mem.store(highWord(entry), emptyHigh);
  endChange(thread);
}

/**
 * Changes a valid entry to another. Who looks without the lock finds either, and where their high
 * words differ perhaps none. Context: its table's lock held.
 */
export function changeEntry(
  thread: Thread,
  level: Level,
  entry: Word,
  low: number,
  high: number,
): void {
  const { mem } = thread;
  if (mem.load(highWord(entry)) === high) {
    mem.store(lowWord(entry), low);
    return;
  }
  beginChange(thread, entry, low, high);
  // By way of none: else a CPU that reads 64 bits could pair the low word of one entry with the
  // high word of the other.
  mem.store(lowWord(entry), level.emptyLow);
  mem.store(highWord(entry), high);
  mem.store(lowWord(entry), low);
  endChange(thread);
}

/**
 * Says what an entry is to be if this thread dies while it writes both words: half of it would be
 * an entry that none of us wrote, or a page that is lost (repair.ts).
 */
function beginChange({ mem, record }: Thread, entry: Word, low: number, high: number): void {
  mem.poke(at(record, THREAD.CHANGES_LOW), low);
  mem.poke(at(record, THREAD.CHANGES_HIGH), high);
  mem.poke(at(record, THREAD.CHANGES), entry);
}

function endChange({ mem, record }: Thread): void {
  mem.poke(at(record, THREAD.CHANGES), 0);
}

/** Writes an entry of a table that nobody knows yet. */
export function pokeEntry(mem: Memory, entry: Word, low: number, high: number): void {
  mem.poke(lowWord(entry), low);
  mem.poke(highWord(entry), high);
}
