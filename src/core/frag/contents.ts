/**
 * What lies in the memory of fragments: the empty value, the list node, and residue: what an
 * architecture may leave in a table that counts as empty.
 *
 * Memory is cleared once, when a page comes from the supply. After that a table comes back as
 * empty as whoever freed it left it: freeing asks for an empty table, so handing one out again
 * costs no clearing, save for the two words of a list node, and for kinds whose empty tables may
 * hold residue (radix: R and C bits, hash: slot words).
 */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Kind } from '../mem/heap.js';
import * as lists from '../mem/list.js';
import type { Memory } from '../mem/memory.js';

// A const of this module, as mem/layout.ts says.
const { NODE_WORDS } = lists;

/** Words that are written one by one before copying pays. */
const SEED_WORDS = 64;

/** Fills `words` words, an even number, with the empty value. */
export function fillEmpty(mem: Memory, table: Word, words: number, kind: Kind): void {
  if (kind.emptyEven === kind.emptyOdd) {
    mem.fill(table, words, kind.emptyEven);
    return;
  }
  // No single fill writes two alternating values: the first entries are written one by one, then
  // copied, then all of these, and so on.
  const seed = Math.min(words, SEED_WORDS);
  for (let i = 0; i < seed; i += NODE_WORDS) eraseNode(mem, (table + i) as Word, kind);
  for (let done = seed; done < words; done *= 2) {
    mem.copy(at(table, done), table, Math.min(done, words - done));
  }
}

/** Puts the words of a list node back to the empty value (H4). */
export function eraseNode(mem: Memory, node: Word, kind: Kind): void {
  mem.poke(node, kind.emptyEven);
  mem.poke((node + 1) as Word, kind.emptyOdd);
}

/** Offset of the first word that is not empty; null if the table is empty. */
export function findNotEmpty(mem: Memory, table: Word, kind: Kind): number | null {
  for (let i = 0; i < kind.entryWords; i++) if (!isEmptyWord(mem, table, kind, i)) return i;
  return null;
}

/** Whether the word at an offset is what it is in an empty table. Behind entries anything is. */
export function isEmptyWord(mem: Memory, table: Word, kind: Kind, offset: number): boolean {
  if (offset >= kind.entryWords) return true;
  const value = mem.peek(at(table, offset));
  if ((offset & 1) === 0) return ((value ^ kind.emptyEven) & ~kind.residueEven) === 0;
  return ((value ^ kind.emptyOdd) & ~kind.residueOdd) === 0;
}
