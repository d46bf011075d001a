/**
 * powerpc hash, pages of 64 KiB: Linux's own tables. The CPU looks into a hash table and never into
 * these, so entries that name tables carry no size, and no register holds the root: what Linux
 * keeps of it is the address. The bits that tie an entry to the hash table are not modelled; they
 * would be the residue of an empty entry.
 */
import type { EntryFormat } from '../format.js';
import { powerpcFormat } from './powerpc.js';

export const HASH_64K: EntryFormat = powerpcFormat('powerpc-hash-64k', {
  tableBytes: [0, 0, 0, 0],
  // No processor asks for it: to Linux the low byte of an entry is no part of an address.
  alignOf: () => 0x100,
  rootEntry: (address) => BigInt(address),
});
