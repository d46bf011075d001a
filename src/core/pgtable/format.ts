/**
 * What entries of page tables look like, as data: the walk and all that changes tables are written
 * once, over this.
 *
 * An entry is 64 bits, two words, `low` and `high` as signed 32-bit integers. Physical addresses
 * stay below 4 GiB, so the address of a table or frame is always in the low word.
 *
 * The low word decides. From it alone follow what an entry is, where it points and what it allows;
 * the high word is a function of it. So whoever looks loads one word, once, and can't see a pair
 * that never existed, for no pair is read. To read one word, the other, and the first again would
 * not do: in between an entry can be emptied and filled again (ABA), or name a table, map a frame
 * and name a table again. The first word is then the same both times, the more surely the less it
 * ever changes, and the other is that of an empty entry or of another. Where an architecture keeps
 * something in the high word, this is how the low one knows it:
 *
 *   powerpc  PRESENT and the mark of a leaf. Empty, table and leaf differ in the low byte, too
 *            (formats/powerpc.ts)
 *   x86-64   NX. A bit that is free for software has a copy (formats/x86-64.ts)
 *
 * Who writes keeps the pair whole for those who hold the lock, and nearly so for a CPU that would
 * read 64 bits: high before low when an entry becomes valid, low before high when it ceases to be,
 * and a change of the high word goes through the empty entry. Between the two writes such a CPU
 * would find an entry that allows nothing: an empty low word under the high word of another entry.
 * On powerpc radix that may be PRESENT alone, a table of no size, for which the CPU has an
 * interrupt of its own.
 */
import type { KindId } from '../base/units.js';
import type { Geometry } from './geometry.js';

/**
 * What a mapping allows and what was done to it, as bits. What may be written or executed may be
 * read, too.
 */
export const PROT = { read: 1, write: 2, exec: 4, young: 8, dirty: 16 } as const;

/** A set of PROT bits. */
export type Prot = number;

/** The lowest level, whose entries map pages; the next one, whose entries can map large pages. */
export const PTE = 0;
export const LARGE = 1;

/** How many levels a tree can have: the number fits the bits that ROOT has for it (space.ts). */
export const DEPTH_MAX = 7;

/** One level of a tree of page tables. */
export interface Level {
  readonly name: string;
  /** The geometry's kind of table. */
  readonly kind: KindId;
  /** log2 of the bytes that one entry of such a table maps. */
  readonly shift: number;
  /** log2 of the pages that one entry of such a table maps. */
  readonly spanShift: number;
  /** log2 of the entries of such a table. */
  readonly indexBits: number;
  /** What the architecture wants the physical address of such a table to be a multiple of. */
  readonly alignBytes: number;
  readonly emptyLow: number;
  readonly emptyHigh: number;
  /** Bits of the low word that may be set in an entry that is none. */
  readonly residueLow: number;
  /** Names a table of the level below: see `isTable`. Level 0: a value outside the mask. */
  readonly tableMask: number;
  readonly tableValue: number;
  /** Bits of the low word that are the address of the table, shifted by `addressShift`. */
  readonly pointerMask: number;
  /** What an entry that names a table has besides its address. */
  readonly tableLow: number;
  readonly tableHigh: number;
  /** What an entry that maps a frame has all of, and at least one of: see `isLeaf`. */
  readonly leafAll: number;
  /** 0 for a level that maps no frames. */
  readonly leafAny: number;
  /** Bits of the low word that are the address of the frame, shifted by `addressShift`. */
  readonly frameMask: number;
  /** By how many bits addresses are shifted down in an entry: 2 on RISC-V, else 0. */
  readonly addressShift: number;
}

export interface EntryFormat {
  /** The geometry's name. */
  readonly name: string;
  readonly geometry: Geometry;
  readonly pageShift: number;
  /**
   * Bits of an address that may differ, the others being 0: of what the tree maps, or one less
   * where the machine takes the upper half for negative addresses, which are not supported.
   */
  readonly addressBits: number;
  /** Whether the architecture has the upper byte of an entry first. The heap is in native order. */
  readonly bigEndian: boolean;
  /** From the one that maps pages upwards. */
  readonly levels: readonly Level[];
  /** How many levels an address space may have, fewest first: more than one only on s390. */
  readonly depths: readonly number[];
  /**
   * The low and the high word of an entry of `level`, which maps frames, for the frame at
   * `address`. No architecture has all combinations: write and exec bring read (`withRead`). What
   * they have besides the address does not depend on it.
   */
  readonly leafLow: (level: number, address: number, prot: Prot) => number;
  readonly leafHigh: (level: number, address: number, prot: Prot) => number;
  /** What an entry that maps a frame allows. */
  readonly protOf: (level: number, low: number) => Prot;
  /**
   * What the machine is given to find the top table at `address`: s390's ASCE, CR3, satp, the root
   * field of a process table entry.
   */
  readonly rootEntry: (address: number, depth: number) => bigint;
}

/**
 * Whether an entry with this low word names a table of the level below. No table lies at address
 * 0: where a table's entry is nothing but its address (powerpc hash), that is what is empty.
 */
export function isTable(level: Level, low: number): boolean {
  return (low & level.tableMask) === level.tableValue && (low & level.pointerMask) !== 0;
}

/** Whether an entry with this low word maps a frame. It may do so and allow nothing. */
export function isLeaf(level: Level, low: number): boolean {
  if ((low & level.leafAny) === 0 || (low & level.leafAll) !== level.leafAll) return false;
  return !isTable(level, low);
}

/** The low word of an entry that names the table at `address`; the high one is `tableHigh`. */
export function tableEntry(level: Level, address: number): number {
  return (address >>> level.addressShift) | level.tableLow;
}

/** The address of the table that such an entry names. */
export function tableAddress(level: Level, low: number): number {
  return ((low & level.pointerMask) << level.addressShift) >>> 0;
}

/** The address of the frame that an entry maps. */
export function frameAddress(level: Level, low: number): number {
  return ((low & level.frameMask) << level.addressShift) >>> 0;
}

/** The low word of an entry that maps a frame, for another frame. */
export function leafAt(level: Level, low: number, address: number): number {
  const frame = (address >>> level.addressShift) & level.frameMask;
  return (low & ~level.frameMask) | frame;
}

/** `prot` as machines have it: nothing can be written or executed that can't be read. */
export function withRead(prot: Prot): Prot {
  return (prot & (PROT.write | PROT.exec)) === 0 ? prot : prot | PROT.read;
}
