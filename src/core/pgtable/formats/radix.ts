/**
 * powerpc radix, pages of 64 KiB and of 4 KiB: the trees that POWER9 and later walk by themselves.
 *
 * An entry that names a table says how many index bits that table has (NLS, the next level's size).
 * An empty entry may hold R and C: the CPU can write them back after it was cleared. Neither is a
 * right, so such an entry maps nothing.
 */
import type { EntryFormat } from '../format.js';
import type { TableKind } from '../geometry.js';
import { powerpcFormat } from './powerpc.js';

/**
 * Of the first doubleword of a process table entry: the effective address has 52 bits, written as
 * 52 - 31 = 21 = 0b10101, upper two bits at 62 and 61, lower three at 7 to 5; and the top table has
 * 13 index bits, written at 4 to 0. (Power ISA 3.0B, book III, radix process table entry.)
 */
const ROOT_FIELD = 0x4000_0000_0000_00adn;

const rootEntry: EntryFormat['rootEntry'] = (address) => BigInt(address) | ROOT_FIELD;

/** A table is aligned to its size: the lower bits of its address are ignored, or refused. */
const alignOf = ({ bytes }: TableKind): number => bytes;

export const RADIX_64K: EntryFormat = powerpcFormat('powerpc-radix-64k', {
  tableBytes: [0, 5, 9, 9],
  alignOf,
  rootEntry,
});

export const RADIX_4K: EntryFormat = powerpcFormat('powerpc-radix-4k', {
  tableBytes: [0, 9, 9, 9],
  alignOf,
  rootEntry,
});
