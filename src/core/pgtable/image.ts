/**
 * An image of a tree: its tables as bytes, as the architecture's MMU reads them from memory.
 *
 * Every table lies at its physical address, `base` being that of the first byte. What is between
 * tables of this tree (tables of others, free fragments, what follows a hash table's entries) is 0.
 */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import { ENTRY_WORDS, highWord, lowWord, physicalOf } from './entry.js';
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

/** Context: nobody changes the tree. Throws `UsageError` if there is none. */
export function dumpImage(space: Space): Image {
  const { format, thread } = space;
  const root = rootOf(space);
  if (root === 0) throw noSpace(space);
  // Twice through the tree: how far its tables reach is known before there is room for them.
  let [base, end] = [Number.POSITIVE_INFINITY, 0];
  visitTree(space, {
    onTable: (number, table) => {
      const address = physicalOf(thread.heap, table);
      base = Math.min(base, address);
      end = Math.max(end, address + tableBytes(space, number));
    },
  });
  const bytes = new Uint8Array(end - base);
  const view = new DataView(bytes.buffer);
  visitTree(space, {
    onTable: (number, table) =>
      writeTable(space, number, table, view, physicalOf(thread.heap, table) - base),
  });
  const rootAddress = physicalOf(thread.heap, topTable(root));
  const rootEntry = format.rootEntry(rootAddress, depthOf(root));
  return { geometry: format.name, rootAddress, rootEntry, base, bytes };
}

function tableBytes({ format }: Space, number: number): number {
  return 8 << levelOf(format, number).indexBits;
}

function writeTable(
  { thread, format }: Space,
  number: number,
  table: Word,
  view: DataView,
  offset: number,
): void {
  const { mem } = thread;
  const { bigEndian } = format;
  for (let index = 0; index < 1 << levelOf(format, number).indexBits; index++) {
    const entry = at(table, index * ENTRY_WORDS);
    const place = offset + 8 * index;
    view.setInt32(bigEndian ? place : place + 4, mem.load(highWord(entry)), !bigEndian);
    view.setInt32(bigEndian ? place + 4 : place, mem.load(lowWord(entry)), !bigEndian);
  }
}
