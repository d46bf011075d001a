/**
 * RISC-V Sv39: three levels, 4 KiB pages.
 *
 * There is no mark of a leaf: an entry that allows something maps a frame, one that allows nothing
 * names a table. Page numbers begin at bit 10, so addresses are two bits lower in an entry than
 * they are; those below 4 GiB end at bit 29, and the high word is 0.
 *
 * A page that the user may not touch at all therefore needs a right: it stays readable and becomes
 * the supervisor's (U clear).
 */
import type { EntryFormat, Prot } from '../format.js';
import { PROT, withRead } from '../format.js';
import { geometryNamed } from '../geometry.js';
import { bitsIf, type LevelBits, levelsOf } from './levels.js';

const V = 0x01;
const R = 0x02;
const W = 0x04;
const X = 0x08;
const U = 0x10;
const A = 0x40;
const D = 0x80;

const ADDRESS_SHIFT = 2;

/** In an entry that names a table U, A and D are reserved, and 0. */
const TABLE = { mask: V | R | W | X | U | A | D, value: V };

/** W without R is reserved: R or X it must be. */
const LEAF = { all: V, any: R | X };

/** satp: the mode, in the upper four bits, that is Sv39; address space 0; number of the page. */
const MODE_SV39 = 8n << 60n;
const PAGE_SHIFT = 12;

function leafLow(_level: number, address: number, asked: Prot): number {
  const prot = withRead(asked);
  return (
    (address >>> ADDRESS_SHIFT) |
    V |
    R |
    bitsIf(prot, PROT.read, U) |
    bitsIf(prot, PROT.write, W) |
    bitsIf(prot, PROT.exec, X) |
    bitsIf(prot, PROT.young, A) |
    bitsIf(prot, PROT.dirty, D)
  );
}

function protOf(_level: number, low: number): Prot {
  const done = bitsIf(low, A, PROT.young) | bitsIf(low, D, PROT.dirty);
  if ((low & U) === 0) return done;
  const allowed = bitsIf(low, R, PROT.read) | bitsIf(low, W, PROT.write);
  return done | allowed | bitsIf(low, X, PROT.exec);
}

const geometry = geometryNamed('riscv-sv39');

/** Of every table, the root too: a page is named by its number. (Privileged spec, Sv39.) */
const ALIGN = { alignBytes: 0x1000 };

const LEVELS: readonly LevelBits[] = [
  { ...ALIGN, leaf: LEAF },
  { ...ALIGN, table: TABLE, leaf: LEAF },
  { ...ALIGN, table: TABLE },
];

export const SV39: EntryFormat = {
  name: geometry.name,
  geometry,
  pageShift: PAGE_SHIFT,
  addressBits: 38,
  bigEndian: false,
  levels: levelsOf(geometry, LEVELS, ADDRESS_SHIFT),
  depths: [LEVELS.length],
  leafLow,
  leafHigh: () => 0,
  protOf,
  rootEntry: (address) => MODE_SV39 | BigInt(address >>> PAGE_SHIFT),
};
