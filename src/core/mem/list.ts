/**
 * Intrusive doubly linked lists: a node is two words, NEXT and PREV, each the address of a node.
 *
 * A list is circular through its head, which is a node too. All accesses are plain: every list
 * has a lock, named where its head is declared (mem/layout.ts), and each function here must be
 * called under it. Neighbours' words are written as well as one's own: whoever puts a node in a
 * fragment must know that nobody reads the neighbours' fragments either (P2).
 */
import { assertAtImport } from '../base/assert.js';
import type { Word } from '../base/units.js';
import { PTDESC } from './layout.js';
import type { Memory } from './memory.js';

// NEXT is at a node's own address.
const PREV = 1;

/** Words of a node. */
export const NODE_WORDS = 2;

// The heads in FREE and LISTS are two words apart, and a node in a free fragment takes the place of
// one entry.
assertAtImport(NODE_WORDS === 2, 'a node is not two words');
assertAtImport(PTDESC.LINK + NODE_WORDS <= PTDESC.BLOCK, 'LINK has no room for a node');

/** Makes `head` an empty list. */
export function listInit(mem: Memory, head: Word): void {
  mem.poke(head, head);
  mem.poke((head + PREV) as Word, head);
}

/** Puts `node` first. */
export function listAdd(mem: Memory, head: Word, node: Word): void {
  const first = mem.peek(head) as Word;
  mem.poke(node, first);
  mem.poke((node + PREV) as Word, head);
  mem.poke((first + PREV) as Word, node);
  mem.poke(head, node);
}

/** Takes `node` out of the list that it is on. Its own words keep their stale values. */
export function listDelete(mem: Memory, node: Word): void {
  const next = mem.peek(node) as Word;
  const prev = mem.peek((node + PREV) as Word) as Word;
  mem.poke(prev, next);
  mem.poke((next + PREV) as Word, prev);
}

/** The first node, or 0, which is no node's address. */
export function listFirst(mem: Memory, head: Word): Word | 0 {
  const next = mem.peek(head) as Word;
  return next === head ? 0 : next;
}

/** The node after `node`, or null behind the last. */
export function listNext(mem: Memory, head: Word, node: Word): Word | null {
  const next = mem.peek(node) as Word;
  return next === head ? null : next;
}

/** The node before `node`, which may be the head: for checks. */
export function listPrevious(mem: Memory, node: Word): Word {
  return mem.peek((node + PREV) as Word) as Word;
}
