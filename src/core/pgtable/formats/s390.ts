/**
 * s390: page, segment and region tables, three levels of them, growing to four and five.
 *
 * The CPU keeps no accessed and dirty bits in its entries. Linux makes the CPU trap for them: a
 * page that is old is INVALID, one that is clean is PROTECTed, and what is really allowed is in
 * bits that are software's (arch/s390/include/asm/pgtable.h, 6.1). So INVALID does not say that
 * nothing is mapped: PRESENT says what is, and in a segment entry LARGE.
 *
 * The upper half of the 4 KiB page of two page tables is named by bit 0x800 of a segment entry: its
 * origin is kept to 2 KiB.
 */
import type { EntryFormat, Prot } from '../format.js';
import { PROT, withRead } from '../format.js';
import { geometryNamed } from '../geometry.js';
import { bitsIf, type LevelBits, levelsOf } from './levels.js';

/** Where an entry that maps a frame keeps what. NOEXEC and PROTECT are the same everywhere. */
interface LeafBits {
  readonly leaf: number;
  readonly invalid: number;
  readonly read: number;
  readonly write: number;
  readonly young: number;
  readonly dirty: number;
}

const NOEXEC = 0x100;
const PROTECT = 0x200;

/** Page table entries; `leaf` is PRESENT. */
const PTE: LeafBits = {
  leaf: 0x001,
  invalid: 0x400,
  read: 0x010,
  write: 0x020,
  young: 0x004,
  dirty: 0x008,
};

/** Segment table entries that map a megabyte; `leaf` is LARGE. */
const SEGMENT: LeafBits = {
  leaf: 0x400,
  invalid: 0x20,
  read: 0x0001,
  write: 0x0002,
  young: 0x1000,
  dirty: 0x2000,
};

/** In region and segment entries: the type of the table that the entry is in. */
const TYPES = { region3: 0x4, region2: 0x8, region1: 0xc } as const;

/** The table that is named has all its entries: its length is 3 quarters, counted from 0. */
const LENGTH = 0x3;

/** What of a segment entry that names a page table must be 0: LARGE, INVALID, type, unused bits. */
const SEGMENT_ZERO = 0x5ec;

/** What a region entry must have right: LARGE, offset, INVALID, type, length. */
const REGION_MASK = 0x4ef;

/**
 * An origin is a multiple of 2 KiB for a page table, of 4 KiB for a segment or region table, which
 * need not be aligned to its 16 KiB. (Principles of Operation, chapter 3.)
 */
const PAGE_TABLE_ALIGN_BYTES = 0x800;
const ORIGIN_ALIGN_BYTES = 0x1000;

/** Private space, alternate and space-switch event: the control bits of a user's ASCE. */
const ASCE_USER = 0x1c0;

/** The type of an ASCE is that of its top table's entries. */
const ASCE_TYPES: readonly number[] = [0, 0, 0, TYPES.region3, TYPES.region2, TYPES.region1];

function regionBits(type: number): LevelBits {
  const table = { mask: REGION_MASK, value: type | LENGTH };
  return { alignBytes: ORIGIN_ALIGN_BYTES, table };
}

function leafBits(level: number): LeafBits {
  return level === 0 ? PTE : SEGMENT;
}

function leafLow(level: number, address: number, asked: Prot): number {
  const bits = leafBits(level);
  const prot = withRead(asked);
  const readable = (prot & PROT.read) !== 0;
  const valid = readable && (prot & PROT.young) !== 0;
  const writable = (prot & PROT.write) !== 0 && (prot & PROT.dirty) !== 0;
  return (
    address |
    bits.leaf |
    bitsIf(prot, PROT.read, bits.read) |
    bitsIf(prot, PROT.write, bits.write) |
    bitsIf(prot, PROT.young, bits.young) |
    bitsIf(prot, PROT.dirty, bits.dirty) |
    (valid ? 0 : bits.invalid) |
    (writable ? 0 : PROTECT) |
    // A page that nobody may read is not marked: Linux's PAGE_NONE is 0x601.
    (readable && (prot & PROT.exec) === 0 ? NOEXEC : 0)
  );
}

function protOf(level: number, low: number): Prot {
  const bits = leafBits(level);
  const executable = (low & bits.read) !== 0 && (low & NOEXEC) === 0;
  return (
    bitsIf(low, bits.read, PROT.read) |
    bitsIf(low, bits.write, PROT.write) |
    bitsIf(low, bits.young, PROT.young) |
    bitsIf(low, bits.dirty, PROT.dirty) |
    (executable ? PROT.exec : 0)
  );
}

const geometry = geometryNamed('s390');

export const S390: EntryFormat = {
  name: geometry.name,
  geometry,
  pageShift: 12,
  addressBits: 64,
  bigEndian: true,
  levels: levelsOf(geometry, [
    { alignBytes: PAGE_TABLE_ALIGN_BYTES, leaf: { any: PTE.leaf } },
    {
      alignBytes: ORIGIN_ALIGN_BYTES,
      table: { mask: SEGMENT_ZERO, value: 0 },
      leaf: { any: SEGMENT.leaf },
    },
    regionBits(TYPES.region3),
    regionBits(TYPES.region2),
    regionBits(TYPES.region1),
  ]),
  depths: [3, 4, 5],
  leafLow,
  leafHigh: () => 0,
  protOf,
  rootEntry: (address, depth) => BigInt(address) | BigInt(ASCE_USER | ASCE_TYPES[depth]! | LENGTH),
};
