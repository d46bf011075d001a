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
import { isTable, type Level, tableAddress, tableEntry } from './format.js';
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

/** What an image will have in it, before it is known where it is to lie. */
export interface ImagePlan {
  readonly space: Space;
  readonly root: number;
  /** The level of each table, by its address in the heap. */
  readonly tables: ReadonlyMap<Word, number>;
  /** What an image's base must be a multiple of: every table is aligned in the image then. */
  readonly alignBytes: number;
  /** Where the tables are in the heap, from a multiple of `alignBytes` on, in bytes. */
  readonly begin: number;
  /** How long the image is. */
  readonly bytes: number;
}

/** Goes through the tree once. Throws `UsageError` if there is none. */
export function planImage(space: Space): ImagePlan {
  const { levels } = space.format;
  const root = rootOf(space);
  if (root === 0) throw noSpace(space);
  const alignBytes = Math.max(...levels.map((level) => level.alignBytes));
  // Each table once, so that the map is no larger than the tree even where entries are damaged.
  const tables = new Map<Word, number>();
  let [first, end] = [Number.POSITIVE_INFINITY, 0];
  visitTree(space, {
    onTable: (number, table) => {
      const address = physicalOf(table);
      tables.set(table, number);
      first = Math.min(first, address);
      end = Math.max(end, address + (8 << levelOf(space.format, number).indexBits));
    },
  });
  const begin = first - (first % alignBytes);
  return { space, root, tables, alignBytes, begin, bytes: end - begin };
}

/**
 * The image, its first byte at `base`, a multiple of `alignBytes`. Context: nobody has changed the
 * tree since it was planned.
 */
export function dumpImage({ space, root, tables, begin, ...plan }: ImagePlan, base: number): Image {
  const { format } = space;
  const bytes = new Uint8Array(plan.bytes);
  const view = new DataView(bytes.buffer);
  for (const [table, number] of tables) {
    writeTable(space, number, table, view, physicalOf(table) - begin, base - begin);
  }
  const rootAddress = physicalOf(topTable(root)) - begin + base;
  const rootEntry = format.rootEntry(rootAddress, depthOf(root));
  return { geometry: format.name, rootAddress, rootEntry, base, bytes };
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
