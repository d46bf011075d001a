/**
 * The generic geometry, in the entries of x86-64 with four levels.
 *
 * NX is bit 63, and all else that may change is in the low word. What may be executed is therefore
 * read from a bit that the CPU leaves to software, 9, which is set where NX is: a change of NX is a
 * change of the low word. Read from NX itself, between two equal low words, it could be that of an
 * entry in between, to which another low word belonged.
 *
 * A page that the user may not touch at all stays present and becomes the supervisor's (US clear).
 */
import type { EntryFormat, Prot } from '../format.js';
import { PROT, withRead } from '../format.js';
import { geometryNamed } from '../geometry.js';
import { bitsIf, levelsOf } from './levels.js';

const P = 0x001;
const RW = 0x002;
const US = 0x004;
const A = 0x020;
const D = 0x040;
/** Page size: in the level above page tables, a large page. */
const PS = 0x080;
/** Software's copy of NX. */
const NX_COPY = 0x200;
/** Bit 63. */
const NX_HIGH = 1 << 31;

/** Of tables of every level, CR3's too: addresses have no bits below. (Intel SDM 3A, 4.5.) */
const ALIGN = { alignBytes: 0x1000 };

/** Rights are left to the lowest entry: the others allow all, and A and D are not waited for. */
const TABLE = { mask: P | PS, value: P, low: P | RW | US | A | D };

function leafLow(level: number, address: number, asked: Prot): number {
  const prot = withRead(asked);
  return (
    address |
    P |
    (level === 0 ? 0 : PS) |
    bitsIf(prot, PROT.read, US) |
    bitsIf(prot, PROT.write, RW) |
    bitsIf(prot, PROT.young, A) |
    bitsIf(prot, PROT.dirty, D) |
    ((prot & PROT.exec) === 0 ? NX_COPY : 0)
  );
}

function protOf(_level: number, low: number): Prot {
  const done = bitsIf(low, A, PROT.young) | bitsIf(low, D, PROT.dirty);
  if ((low & US) === 0) return done;
  const executable = (low & NX_COPY) === 0 ? PROT.exec : 0;
  return done | PROT.read | bitsIf(low, RW, PROT.write) | executable;
}

const geometry = geometryNamed('generic');

export const X86_64: EntryFormat = {
  name: geometry.name,
  geometry,
  pageShift: 12,
  addressBits: 47,
  bigEndian: false,
  levels: levelsOf(geometry, [
    { ...ALIGN, leaf: { any: P } },
    { ...ALIGN, table: TABLE, leaf: { all: P | PS, any: P } },
    { ...ALIGN, table: TABLE },
    { ...ALIGN, table: TABLE },
  ]),
  depths: [4],
  leafLow,
  leafHigh: (_level, _address, prot) => ((withRead(prot) & PROT.exec) === 0 ? NX_HIGH : 0),
  protOf,
  // CR3: no process-context identifier, tables cached as memory is.
  rootEntry: (address) => BigInt(address),
};
