/**
 * An image of a tree: its tables as bytes, as the architecture's MMU reads them from memory.
 *
 * Every table lies at its physical address, `base` being that of the first byte. What is between
 * tables of this tree (tables of others, free fragments, what follows a hash table's entries) is 0.
 *
 * `base` is a multiple of what the largest table must be aligned to. So the image can be put at any
 * other such address, and each table is still aligned as its architecture asks.
 */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import { ENTRY_WORDS, highWord, lowWord, physicalOf } from './entry.js';
import { type EntryFormat, isTable, type Level, tableAddress, tableEntry } from './format.js';
import { depthOf, levelOf, noSpace, rootOf, type Space, topTable } from './space.js';
import { visitTree } from './tree.js';

/** A tree of page tables as bytes of physical memory, for an architecture's MMU. */
export interface Image {
  readonly geometry: string;
  /** Physical address of the top table. */
  readonly rootAddress: number;
  /** What the machine is given to find it: s390's ASCE, CR3, satp, a process table entry. */
  readonly rootEntry: bigint;
  /** Physical address of `bytes[0]`. */
  readonly base: number;
  readonly bytes: Uint8Array;
}

/** What an image's base must be a multiple of: every table is aligned in the image then. */
export function imageAlignBytes({ levels }: EntryFormat): number {
  return Math.max(...levels.map(({ alignBytes }) => alignBytes));
}

/**
 * The image, its first byte at `asked`, a multiple of `imageAlignBytes`; null: where the tables are
 * in the heap. Context: nobody changes the tree. Throws `UsageError` if there is none.
 */
export function dumpImage(space: Space, asked: number | null): Image {
  const { format } = space;
  const root = rootOf(space);
  if (root === 0) throw noSpace(space);
  const [begin, end] = extentOf(space);
  const base = asked ?? begin;
  const bytes = new Uint8Array(end - begin);
  const view = new DataView(bytes.buffer);
  visitTree(space, {
    onTable: (number, table) =>
      writeTable(space, number, table, view, physicalOf(table) - begin, base - begin),
  });
  const rootAddress = physicalOf(topTable(root)) - begin + base;
  const rootEntry = format.rootEntry(rootAddress, depthOf(root));
  return { geometry: format.name, rootAddress, rootEntry, base, bytes };
}

/** How long the image is, in bytes. Context and errors: as `dumpImage`. */
export function imageBytes(space: Space): number {
  if (rootOf(space) === 0) throw noSpace(space);
  const [begin, end] = extentOf(space);
  return end - begin;
}

/** Where the tree's tables are in the heap, from a place that is aligned for all of them. */
function extentOf(space: Space): [begin: number, end: number] {
  let [begin, end] = [Number.POSITIVE_INFINITY, 0];
  visitTree(space, {
    onTable: (number, table) => {
      const address = physicalOf(table);
      begin = Math.min(begin, address);
      end = Math.max(end, address + (8 << levelOf(space.format, number).indexBits));
    },
  });
  return [begin - (begin % imageAlignBytes(space.format)), end];
}

function writeTable(
  { thread, format }: Space,
  number: number,
  table: Word,
  view: DataView,
  offset: number,
  moved: number,
): void {
  const { mem } = thread;
  const { bigEndian } = format;
  const level = levelOf(format, number);
  for (let index = 0; index < 1 << level.indexBits; index++) {
    const entry = at(table, index * ENTRY_WORDS);
    const place = offset + 8 * index;
    const low = movedLow(level, mem.load(lowWord(entry)), moved);
    view.setInt32(bigEndian ? place : place + 4, mem.load(highWord(entry)), !bigEndian);
    view.setInt32(bigEndian ? place + 4 : place, low, !bigEndian);
  }
}

/** An entry's low word where all tables lie so many bytes higher, or lower if negative. */
function movedLow(level: Level, low: number, moved: number): number {
  return isTable(level, low) ? tableEntry(level, tableAddress(level, low) + moved) : low;
}
