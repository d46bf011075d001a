/**
 * What a ptdesc says of a page of fragments. Its layout is in mem/layout.ts.
 *
 * OWNER is the back pointer to the mm and the gate of the page's callback in one word:
 *
 *    0    not a page of fragments (in the supply, or the tail of a block)
 *   +r    some fragment is A; r is the address of the owner's record
 *   -r    no fragment is A, and none will be until the page was returned
 *
 *   0 -> +    alloc, of a page that it has just taken from the supply
 *   + -> -    the last free, under the mm lock, as its last access to the page
 *   - -> 0    the page's callback, which returns the page to the supply
 *
 * A page is private to a thread when no other thread can reach it. Two threads have one: who takes
 * a page from the supply, until it stores OWNER; and who runs the page's callback once OWNER is
 * negative, because such a page has no A, which a thread could free, and is on no list, from which
 * a thread could allocate.
 *
 * Whoever reads a positive OWNER inside a read section may lock that mm until the section ends: the
 * free that makes it negative has not returned, so the mm was not destroyed yet, and its record
 * outlives our section (P5). So no page holds a reference on an mm. A negative OWNER names the mm
 * for messages only.
 *
 * HOLDER is 0 while the page is on no list, else 1 + the F fragment whose memory has the node. In a
 * debug heap the node is the ptdesc's LINK instead, which the supply needs for free pages only: so
 * all of a free fragment is poison, and who writes into one damages no list.
 * ALLOCATED counts the fragments in A. STATES are encoded in state.ts. All of these, with the
 * rcu head, belong to who has the owner's lock, or to the thread that has the page private.
 */
import type { FragIndex, KindId, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap, HeapKind, Kind } from '../mem/heap.js';
import * as heaps from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import type { State } from './state.js';
import * as states from './state.js';

// Consts of this module, as mem/layout.ts says.
const { LINK, STATES } = PTDESC;
const { pageAddress, pfnOfAddress, pfnOfPtdesc, ptdescOf } = heaps;
const { A, allFree, formatState, freeBits, lowestSlot, PER_WORD } = states;
const { slotBit, stateAt, stateWords, withState } = states;
const SLOT_MASK = PER_WORD - 1;
const WORD_SHIFT = 31 - Math.clz32(PER_WORD);

export function kindIdOf(mem: Memory, ptdesc: Word): KindId {
  return mem.peek(at(ptdesc, PTDESC.KIND)) as KindId;
}

/** Address of a fragment of the page. */
export function tableAt(heap: Heap, pfn: Pfn, kind: HeapKind, index: FragIndex): Word {
  return (pageAddress(heap, pfn) + (index << kind.fragmentShift)) as Word;
}

/** Where the list node is of a page whose holder is fragment `index`. */
export function nodeAt(heap: Heap, pfn: Pfn, kind: HeapKind, index: FragIndex): Word {
  if (heap.debug) return (ptdescOf(heap, pfn) + LINK) as Word;
  return tableAt(heap, pfn, kind, index);
}

/** The page that a list node is of. */
export function pfnOfNode(heap: Heap, node: Word): Pfn {
  return heap.debug ? pfnOfPtdesc(heap, node) : pfnOfAddress(heap, node);
}

/** The word that has the state of fragment `index`. */
export function stateWordOf(ptdesc: Word, index: FragIndex): Word {
  return (ptdesc + STATES + (index >>> WORD_SHIFT)) as Word;
}

/** The place of fragment `index` in its state word. */
export function slotOf(index: FragIndex): number {
  return index & SLOT_MASK;
}

/** The state of fragment `index`. Context: owner's lock held, or the page private. */
export function getState(mem: Memory, ptdesc: Word, index: FragIndex): State {
  return stateAt(mem.peek(stateWordOf(ptdesc, index)), index & SLOT_MASK);
}

/** Context: owner's lock held, or the page private. */
export function setState(mem: Memory, ptdesc: Word, index: FragIndex, state: State): void {
  const word = stateWordOf(ptdesc, index);
  mem.poke(word, withState(mem.peek(word), index & SLOT_MASK, state));
}

/**
 * The lowest F fragment, but `holder` (-1: none) only if no other is left; -1 if none is F.
 * Context: owner's lock held, or the page private.
 */
export function findFree(mem: Memory, ptdesc: Word, perPage: number, holder: number): number {
  // Bits behind the page's last fragment are 00, which is no F.
  const bits = freeBits(mem.peek((ptdesc + STATES) as Word)) & ~slotBit(holder);
  if (bits !== 0) return lowestSlot(bits);
  return perPage <= PER_WORD ? holder : findFreeBeyond(mem, ptdesc, perPage, holder);
}

/** The same for the fragments behind those of the first word. */
function findFreeBeyond(mem: Memory, ptdesc: Word, perPage: number, holder: number): number {
  for (let first = PER_WORD; first < perPage; first += PER_WORD) {
    const word = mem.peek(stateWordOf(ptdesc, first as FragIndex));
    const bits = freeBits(word) & ~slotBit(holder - first);
    if (bits !== 0) return first + lowestSlot(bits);
  }
  return holder;
}

/** State words of a fresh page: fragment 0 is A, the others F. */
export function initStates(mem: Memory, ptdesc: Word, kind: Kind): void {
  for (let first = 0; first < kind.perPage; first += PER_WORD) {
    mem.poke(stateWordOf(ptdesc, first as FragIndex), allFree(kind.perPage - first));
  }
  setState(mem, ptdesc, 0 as FragIndex, A);
}

/** The page's states in letters, for messages. Context: as getState. */
export function formatPage(mem: Memory, ptdesc: Word, kind: Kind): string {
  let text = '';
  for (let w = 0; w < stateWords(kind.perPage); w++) {
    const fragments = Math.min(PER_WORD, kind.perPage - w * PER_WORD);
    text += formatState(mem.peek(at(ptdesc, STATES + w)), fragments);
  }
  return text;
}
