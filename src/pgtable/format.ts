/**
 * What entries of page tables look like, as data: the walk and all that changes tables are written
 * once, over this.
 *
 * An entry is 64 bits, two words, `low` and `high` as signed 32-bit integers. Physical addresses
 * stay below 4 GiB, so the address of a table or frame is always in the low word. One of the two
 * decides: whether the entry is valid, and what it is, can be told from that word alone. It is the
 * last to be written when an entry becomes valid and the first when it ceases to be, so a reader
 * that finds it the same before and after it read the other has a pair that existed. That takes
 * that among valid entries of one level either the deciding word holds all that may change, or the
 * deciding word is a constant (powerpc: PRESENT is high, what changes is low).
 */
import type { KindId } from '../base/units.js';
import type { Geometry } from './geometry.js';

/** What a mapping allows and what was done to it, as bits. */
export const PROT = { read: 1, write: 2, exec: 4, young: 8, dirty: 16 } as const;

/** A set of PROT bits. */
export type Prot = number;

/** One level of a tree of page tables. */
export interface Level {
  readonly name: string;
  /** The geometry's kind of table. */
  readonly kind: KindId;
  /** log2 of the bytes that one entry of such a table maps. */
  readonly shift: number;
  /** log2 of the entries of such a table. */
  readonly indexBits: number;
  readonly emptyLow: number;
  readonly emptyHigh: number;
  /** Bits of the low word that may be set in an entry that is none. */
  readonly residueLow: number;
  /** Which word decides: 0 low, 1 high. */
  readonly decides: 0 | 1;
  /** Names a table of the level below: (deciding word & mask) === value. Level 0: never so. */
  readonly tableMask: number;
  readonly tableValue: number;
  /** Bits of the low word that are the address of the table. */
  readonly pointerMask: number;
  /** What an entry that names a table has besides its address. */
  readonly tableLow: number;
  readonly tableHigh: number;
  /** Maps a frame: (deciding word & mask) === value. A level that can't: a value outside its mask. */
  readonly leafMask: number;
  readonly leafValue: number;
  /** Bits of the low word that are the address of the frame. */
  readonly frameMask: number;
}

export interface Format {
  /** The geometry's name. */
  readonly name: string;
  readonly geometry: Geometry;
  readonly pageShift: number;
  /** From the one that maps pages upwards. */
  readonly levels: readonly Level[];
  /** How many levels an address space may have, fewest first: more than one only on s390. */
  readonly depths: readonly number[];
  /** The low and the high word of an entry of `level` that maps the frame at `address`. */
  readonly leafLow: (level: number, address: number, prot: Prot) => number;
  readonly leafHigh: (level: number, address: number, prot: Prot) => number;
  /** What an entry that maps a frame allows. */
  readonly protOf: (level: number, low: number, high: number) => Prot;
  /**
   * What the machine is given to find the top table at `address`: s390's ASCE, CR3, satp, the root
   * field of a process table entry.
   */
  readonly rootEntry: (address: number, depth: number) => bigint;
}
