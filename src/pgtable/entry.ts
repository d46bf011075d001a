/**
 * Entries: reading and writing them so that nobody takes two halves of different entries for one.
 *
 *   none -> valid    the other word, then the deciding one
 *   valid -> none    the deciding word, then the other
 *   valid -> valid   by way of none, unless only the deciding word changes
 *
 * Writers hold the lock of the entry's table; readers hold nothing (walk.ts). All of a linked
 * table's words are atomic; those of a table that nobody knows yet are plain.
 */
import type { Word } from '../base/units.js';
import { LITTLE_ENDIAN } from '../mem/endian.js';
import type { Heap } from '../mem/heap.js';
import type { Memory } from '../mem/memory.js';
import type { Level } from './format.js';

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

export function decidingWord(level: Level, entry: Word): Word {
  return (entry + (level.decides === 0 ? LOW : HIGH)) as Word;
}

export function otherWord(level: Level, entry: Word): Word {
  return (entry + (level.decides === 0 ? HIGH : LOW)) as Word;
}

/** Whether a deciding word names a table. */
export function namesTable(level: Level, word: number): boolean {
  return (word & level.tableMask) === level.tableValue;
}

/** Whether a deciding word maps a frame. */
export function mapsFrame(level: Level, word: number): boolean {
  return (word & level.leafMask) === level.leafValue;
}

/** The physical address of a table: the page area begins at 0. */
export function physicalOf(heap: Heap, table: Word): number {
  return ((table - heap.pagesAt) << 2) >>> 0;
}

/** The table that an entry names, by its low word. */
export function tableNamed(heap: Heap, level: Level, low: number): Word {
  return (heap.pagesAt + ((low & level.pointerMask) >>> 2)) as Word;
}

/** Low word of an entry of `level` that names `table`. */
export function tableLow(heap: Heap, level: Level, table: Word): number {
  return physicalOf(heap, table) | level.tableLow;
}

/** Whether an entry is none. Context: its table's lock held, or the table private. */
export function isNone(mem: Memory, level: Level, entry: Word): boolean {
  const low = mem.load(lowWord(entry));
  if (((low ^ level.emptyLow) & ~level.residueLow) !== 0) return false;
  return mem.load(highWord(entry)) === level.emptyHigh;
}

/** Makes a none entry valid. Context: its table's lock held. */
export function setEntry(mem: Memory, level: Level, entry: Word, low: number, high: number): void {
  if (level.decides === 0) {
    if (high !== level.emptyHigh) mem.store(highWord(entry), high);
    // PUBLISH(entry): the table or frame, and the other word, before the word that decides.
    mem.store(lowWord(entry), low);
    return;
  }
  mem.store(lowWord(entry), low);
  mem.store(highWord(entry), high);
}

/** Makes an entry none. Context: its table's lock held. */
export function clearEntry(mem: Memory, level: Level, entry: Word): void {
  if (level.decides === 0) {
    mem.store(lowWord(entry), level.emptyLow);
    if (mem.load(highWord(entry)) !== level.emptyHigh) mem.store(highWord(entry), level.emptyHigh);
    return;
  }
  mem.store(highWord(entry), level.emptyHigh);
  mem.store(lowWord(entry), level.emptyLow);
}

/** Changes a valid entry to another. Context: its table's lock held. */
export function changeEntry(
  mem: Memory,
  level: Level,
  entry: Word,
  low: number,
  high: number,
): void {
  const other = level.decides === 0 ? high : low;
  if (mem.load(otherWord(level, entry)) === other) {
    mem.store(decidingWord(level, entry), level.decides === 0 ? low : high);
    return;
  }
  clearEntry(mem, level, entry);
  setEntry(mem, level, entry, low, high);
}

/** Writes an entry of a table that nobody knows yet. */
export function pokeEntry(mem: Memory, entry: Word, low: number, high: number): void {
  mem.poke(lowWord(entry), low);
  mem.poke(highWord(entry), high);
}
