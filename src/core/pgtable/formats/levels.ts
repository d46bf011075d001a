/**
 * Levels from a geometry and a format's bits: shifts, sizes and empty values are the geometry's,
 * so that each is written once.
 */
import { assertAtImport } from '../../base/assert.js';
import type { KindId } from '../../base/units.js';
import { DEPTH_MAX, type Level, type Prot } from '../format.js';
import type { Geometry } from '../geometry.js';

const ENTRY_BYTES = 8;

/** What a format says of the entries of one level. */
export interface LevelBits {
  /** What tables of this level are aligned to. */
  readonly alignBytes: number;
  /** Entries that name a table; none at the lowest level. */
  readonly table?: {
    /** (low & mask) === value is such an entry. */
    readonly mask: number;
    readonly value: number;
    /** What it has besides the address: `value` and 0 if left out. */
    readonly low?: number;
    readonly high?: number;
  };
  /** Entries that map frames: all of `all` and some of `any`. Upper levels have none. */
  readonly leaf?: { readonly all?: number; readonly any: number };
}

const NO_TABLE: Required<LevelBits>['table'] = { mask: 0, value: 1 };
const NO_LEAF: Required<LevelBits>['leaf'] = { any: 0 };

/** One `LevelBits` for each kind of the geometry, from the lowest up. */
export function levelsOf(
  geometry: Geometry,
  bits: readonly LevelBits[],
  addressShift = 0,
): readonly Level[] {
  const { name, kinds, pageBytes } = geometry;
  assertAtImport(bits.length === kinds.length, `${name} has not one format of entries to a kind`);
  assertAtImport(kinds.length <= DEPTH_MAX, `${name} has trees too deep for ROOT`);
  assertAtImport(
    kinds.every(({ bytes }) => bytes % (4 * (DEPTH_MAX + 1)) === 0),
    `${name} has tables whose addresses leave no room for a depth in ROOT`,
  );
  assertAtImport(
    bits.every(({ alignBytes }, number) => kinds[number]!.bytes % alignBytes === 0),
    `${name} has tables that must be aligned to more than their size, which is what a heap gives`,
  );
  const pageShift = log2(pageBytes);
  let shift = pageShift;
  return bits.map(({ alignBytes, table = NO_TABLE, leaf = NO_LEAF }, number) => {
    const kind = kinds[number]!;
    // Of the tables that this level's entries name; the lowest one names none.
    const pointerAlign = number === 0 ? 0 : bits[number - 1]!.alignBytes;
    const { emptyLow = 0, emptyHigh = 0, residueLow = 0, slotBytes = 0 } = kind;
    const indexBits = log2((kind.bytes - slotBytes) / ENTRY_BYTES);
    // Addresses of tables and frames are aligned, so an entry's lower bits are free for its marks.
    const level: Level = {
      name: kind.name,
      kind: number as KindId,
      shift,
      spanShift: shift - pageShift,
      indexBits,
      alignBytes,
      emptyLow,
      emptyHigh,
      residueLow,
      tableMask: table.mask,
      tableValue: table.value,
      pointerMask: (-pointerAlign >>> addressShift) | 0,
      tableLow: table.low ?? table.value,
      tableHigh: table.high ?? 0,
      leafAll: leaf.all ?? 0,
      leafAny: leaf.any,
      frameMask: leaf.any === 0 ? 0 : ((-1 << shift) >>> addressShift) | 0,
      addressShift,
    };
    shift += indexBits;
    return Object.freeze(level);
  });
}

export function log2(value: number): number {
  return 31 - Math.clz32(value);
}

/** `bits` if `prot` has `wanted`, else none. */
export function bitsIf(prot: Prot, wanted: Prot, bits: number): number {
  return (prot & wanted) === 0 ? 0 : bits;
}
