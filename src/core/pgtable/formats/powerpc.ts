/**
 * What radix and hash have in common: Linux gives an entry that maps a frame the same bits in both
 * (arch/powerpc/include/asm/book3s/64/pgtable.h, 6.1), those that the ISA defines for radix.
 *
 * PRESENT and the mark of a leaf are in the high word, which has only three values: 0 in an empty
 * entry, TABLE_HIGH, LEAF_HIGH. The low byte tells the three apart:
 *
 *   empty    0, or what the CPU wrote back late: R, C
 *   leaf     at least one of EXEC, WRITE, READ, PRIVILEGED
 *   table    the size of the next table (radix: 5 or 9; hash: 0, and an address that is not 0)
 *
 * A leaf would look like a table where the size is 5, READ and EXEC: a large page, mapped by the
 * level above 64K radix's tables of 32 entries, that may be read and executed and is clean. Such a
 * page gets C, which says nothing to the CPU about a page that can't be written, and CLEAN, which
 * says to us that it isn't so. CLEAN is a bit that the ISA leaves to software.
 */
import type { EntryFormat, Prot } from '../format.js';
import { PROT, withRead } from '../format.js';
import { geometryNamed, type TableKind } from '../geometry.js';
import { bitsIf, type LevelBits, levelsOf, log2 } from './levels.js';

const EXEC = 0x001;
const WRITE = 0x002;
const READ = 0x004;
const PRIVILEGED = 0x008;
/** C, change, and R, reference. */
const DIRTY = 0x080;
const ACCESSED = 0x100;
const CLEAN = 0x800;

const RIGHTS = EXEC | WRITE | READ | PRIVILEGED;

const LOW_BYTE = 0xff;

/** PRESENT, bit 63. */
const TABLE_HIGH = 1 << 31;

/** PRESENT and the mark of a leaf, bits 63 and 62. */
const LEAF_HIGH = 3 << 30;

export interface PowerpcTraits {
  /** The low byte of an entry that names a table, by level; level 0 names none. */
  readonly tableBytes: readonly number[];
  /** What the tables of a kind are aligned to. */
  readonly alignOf: (kind: TableKind) => number;
  readonly rootEntry: EntryFormat['rootEntry'];
}

export function powerpcFormat(
  name: string,
  { tableBytes, alignOf, rootEntry }: PowerpcTraits,
): EntryFormat {
  const geometry = geometryNamed(name);
  const bits = geometry.kinds.map((kind, level) =>
    levelBits(level, alignOf(kind), tableBytes[level]!),
  );
  return {
    name,
    geometry,
    pageShift: log2(geometry.pageBytes),
    addressBits: 52,
    // Whatever order the CPU runs in: the MMU reads its tables in one.
    bigEndian: true,
    levels: levelsOf(geometry, bits),
    depths: [geometry.kinds.length],
    leafLow: (level, address, prot) => leafLow(level > 0 ? tableBytes[level]! : -1, address, prot),
    leafHigh: () => LEAF_HIGH,
    protOf: (_, low) => protOf(low),
    rootEntry,
  };
}

function levelBits(level: number, alignBytes: number, value: number): LevelBits {
  const leaf = { any: RIGHTS };
  if (level === 0) return { alignBytes, leaf };
  const table = { mask: LOW_BYTE, value, high: TABLE_HIGH };
  return level === 1 ? { alignBytes, table, leaf } : { alignBytes, table };
}

function leafLow(tableByte: number, address: number, asked: Prot): number {
  const prot = withRead(asked);
  const low =
    address |
    bitsIf(prot, PROT.read, READ) |
    bitsIf(prot, PROT.write, WRITE) |
    bitsIf(prot, PROT.exec, EXEC) |
    bitsIf(prot, PROT.young, ACCESSED) |
    bitsIf(prot, PROT.dirty, DIRTY) |
    // What the user may not touch at all is the kernel's, and has no other right: one bit is set.
    ((prot & PROT.read) === 0 ? PRIVILEGED : 0);
  return (low & LOW_BYTE) === tableByte ? low | DIRTY | CLEAN : low;
}

function protOf(low: number): Prot {
  const young = bitsIf(low, ACCESSED, PROT.young);
  const dirty = (low & CLEAN) === 0 ? bitsIf(low, DIRTY, PROT.dirty) : 0;
  if ((low & PRIVILEGED) !== 0) return young | dirty;
  return (
    young |
    dirty |
    bitsIf(low, READ, PROT.read) |
    bitsIf(low, WRITE, PROT.write) |
    bitsIf(low, EXEC, PROT.exec)
  );
}
