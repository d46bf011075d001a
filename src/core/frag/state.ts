/**
 * The state of fragments: two bits each, sixteen to a word.
 *
 *   bit   31 30 29 28   …   5  4  3  2  1  0
 *        +-----+-----+-----+-----+-----+-----+
 *        | f15 | f14 |  …  | f2  | f1  | f0  |      fragment i: bits 2i+1 and 2i
 *        +-----+-----+-----+-----+-----+-----+
 *
 *   00  A  allocated: belongs to who allocated it
 *   01  C  current RCU TODO: freed before the pending grace period began; free when that is over
 *   10  N  next RCU TODO: freed when the pending one may have begun; free when the next is over
 *   11  F  free: may be handed out, and may be written (list node)
 *
 * The pending grace period is the one that the page's rcu head waits for. A page has one head, so
 * it waits for one grace period at a time.
 *
 *   A -> C, N   free                  under the mm lock
 *   C -> F      the page's callback   under the mm lock, or on a page without A
 *   N -> C      the page's callback   the same; all C and N of a page together
 *   F -> A      alloc                 under the mm lock
 *
 * No other transition exists. Bits beyond a page's last fragment stay 00 and are not fragments.
 */
import { assertAtImport } from '../base/assert.js';
import { FRAGMENTS_MAX, STATE_WORDS_MAX } from '../mem/layout.js';

export const A = 0;
export const C = 1;
export const N = 2;
export const F = 3;

export type State = typeof A | typeof C | typeof N | typeof F;

/** Fragments to a state word, and its log2. */
export const PER_WORD = 16;
const SHIFT = 4;

/** The low bit of each fragment. */
const LOW = 0x55555555;

/** The legal transitions, as data: from each state, those that it may change to. */
export const TRANSITIONS: Readonly<Record<State, readonly State[]>> = Object.freeze({
  [A]: [C, N],
  [C]: [F],
  [N]: [C],
  [F]: [A],
});

const LETTERS = 'ACNF';

/** State words of a page with `perPage` fragments. */
export function stateWords(perPage: number): number {
  return (perPage + PER_WORD - 1) >>> SHIFT;
}

/** A word whose first `fragments` are F, the rest 00. */
export function allFree(fragments: number): number {
  return fragments >= PER_WORD ? -1 : (1 << (2 * fragments)) - 1;
}

export function stateAt(word: number, slot: number): State {
  return ((word >>> (2 * slot)) & 3) as State;
}

export function withState(word: number, slot: number, state: State): number {
  return (word & ~(3 << (2 * slot))) | (state << (2 * slot));
}

/** `withState` for a slot that becomes A. */
export function withA(word: number, slot: number): number {
  return word & ~(3 << (2 * slot));
}

/** `withState` for a slot that was A. */
export function fromA(word: number, slot: number, state: State): number {
  return word | (state << (2 * slot));
}

/** C becomes F, N becomes C, A and F stay: what a grace period does to a word. */
export function ripen(word: number): number {
  // 00 -> 00, 01 -> 11, 10 -> 01, 11 -> 11: the new low bit is set if either bit was, the new high
  // bit if the low bit was.
  const low = word & LOW;
  const high = (word >>> 1) & LOW;
  return low | high | (low << 1);
}

/** N becomes C, the others stay: all of them wait for the grace period that is to come. */
export function nextToCurrent(word: number): number {
  const next = ~word & (word >>> 1) & LOW;
  return (word & ~(next << 1)) | next;
}

/** The low bit of each fragment that is F. */
export function freeBits(word: number): number {
  return word & (word >>> 1) & LOW;
}

/** The low bit of each fragment that is C. */
export function bitsOfC(word: number): number {
  return word & ~(word >>> 1) & LOW;
}

/** Whether some fragment is N. */
export function hasN(word: number): boolean {
  return (~word & (word >>> 1) & LOW) !== 0;
}

/** The low bit of a slot; 0 if the slot is not in this word. */
export function slotBit(slot: number): number {
  return slot >>> SHIFT === 0 ? 1 << (2 * slot) : 0;
}

/** The lowest slot among fragment bits, as from freeBits; there must be one. */
export function lowestSlot(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >>> 1;
}

/** One letter a fragment, fragment 0 first: `ACNF`. */
export function formatState(word: number, fragments: number): string {
  let text = '';
  for (let slot = 0; slot < fragments; slot++) text += LETTERS[stateAt(word, slot)];
  return text;
}

assertAtImport(PER_WORD === 1 << SHIFT, 'a state word has not 2^SHIFT fragments');
assertAtImport(STATE_WORDS_MAX * PER_WORD === FRAGMENTS_MAX, 'a ptdesc has no room for all states');
assertAtImport(ripen(0b11_10_01_00) === 0b11_01_11_00, 'a grace period makes C to F and N to C');
