/**
 * A page whose state words change by compare-and-swap: what variants A and Y have in common.
 *
 * The words of a ptdesc, where they differ from the core's (mem/layout.ts, frag/ptdesc.ts):
 *
 *   STATES     any thread, by CAS. A -> C, N: who frees it. C -> F, N -> C: the callback.
 *              F -> A: alloc, under the owner's lock, so under the lock no F goes away
 *   HOLDER     lock owner, atomically; read by callbacks without the lock
 *   OWNER      +the owner's record from the page's first table until it is returned: whether some
 *              A is left is not said here but by the states
 *   ALLOCATED  several words only: any thread, add. With one word nobody keeps it
 *   PENDING    several words only: 1 while a callback is queued or about to be. With one word that
 *              is "some C in it"
 */
import { assertAtImport } from '../base/assert.js';
import type { FragIndex, Word } from '../base/units.js';
import * as ptdescs from '../frag/ptdesc.js';
import * as states from '../frag/state.js';
import { PTDESC } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';

// Consts of this module, as mem/layout.ts says.
const { slotOf, stateWordOf } = ptdescs;
const { A, allFree, bitsOfC, C, freeBits, fromA, hasN, lowestSlot, N, PER_WORD } = states;
const { ripen, slotBit, stateAt, withA } = states;

/** The low bit of each fragment. */
const LOW = 0x55555555;

/** A word of the ptdesc that the shipping core has no use for. */
export const PENDING = 10;

assertAtImport(PENDING > PTDESC.BLOCK && PENDING < PTDESC.STATES, 'PENDING is taken');

/** F to A. Context: owner's lock held, and the slot found to be F: nobody else changes that. */
export function takeSlot(mem: Memory, word: Word, slot: number): void {
  let before = mem.load(word);
  for (;;) {
    const found = mem.cas(word, before, withA(before, slot));
    if (found === before) return;
    before = found;
  }
}

/** A to C, or to N if some C is there; returns the word before. For a page with one word. */
export function freeSlot(mem: Memory, word: Word, slot: number): number {
  let before = mem.load(word);
  for (;;) {
    const state = bitsOfC(before) !== 0 ? N : C;
    const found = mem.cas(word, before, fromA(before, slot, state));
    if (found === before) return before;
    before = found;
  }
}

/** A to N. For a page with several words. */
export function freeSlotToNext(mem: Memory, word: Word, slot: number): void {
  let before = mem.load(word);
  for (;;) {
    const found = mem.cas(word, before, fromA(before, slot, N));
    if (found === before) return;
    before = found;
  }
}

/** C to F and N to C; returns the word after. */
export function ripenWord(mem: Memory, word: Word): number {
  let before = mem.load(word);
  for (;;) {
    const after = ripen(before);
    const found = mem.cas(word, before, after);
    if (found === before) return after;
    before = found;
  }
}

/** N to C in all words: what waits for the next grace period waits for the one to be queued. */
export function settleNext(mem: Memory, ptdesc: Word, perPage: number): void {
  for (let first = 0; first < perPage; first += PER_WORD) {
    const word = wordAt(ptdesc, first);
    let before = mem.load(word);
    while (hasN(before)) {
      const found = mem.cas(word, before, nextToCurrent(before));
      if (found === before) break;
      before = found;
    }
  }
}

/** N, 10, becomes C, 01; the others stay. */
function nextToCurrent(word: number): number {
  const next = ~word & (word >>> 1) & LOW;
  return (word & ~(next << 1)) | next;
}

/** Whether some fragment is N. */
export function someN(mem: Memory, ptdesc: Word, perPage: number): boolean {
  for (let first = 0; first < perPage; first += PER_WORD) {
    if (hasN(mem.load(wordAt(ptdesc, first)))) return true;
  }
  return false;
}

/** The word that has the states of fragment `first` and what follows. */
export function wordAt(ptdesc: Word, first: number): Word {
  return stateWordOf(ptdesc, first as FragIndex);
}

/** Whether some of a word's fragments, `first` and what follows, is A. */
export function hasA(word: number, first: number, perPage: number): boolean {
  return (~(word | (word >>> 1)) & LOW & allFree(perPage - first)) !== 0;
}

export function isAllFree(word: number, first: number, perPage: number): boolean {
  return word === allFree(perPage - first);
}

/** A fragment that is F, not `holder` (-1: none) if there is another; -1 if none is. */
export function findFree(mem: Memory, ptdesc: Word, perPage: number, holder: number): number {
  for (let first = 0; first < perPage; first += PER_WORD) {
    const bits = freeBits(mem.load(wordAt(ptdesc, first))) & ~slotBit(holder - first);
    if (bits !== 0) return first + lowestSlot(bits);
  }
  return holder;
}

/** Whether `index` is A. Context: the caller has the table, if it may free it. */
export function isAllocated(mem: Memory, ptdesc: Word, index: FragIndex): boolean {
  return stateAt(mem.load(stateWordOf(ptdesc, index)), slotOf(index)) === A;
}
