/**
 * What the threads of a torture run share beside heap and control words.
 *
 *   slots   each names a table that readers may find, or none. Written by churners, exchange
 *   freed   of tables that were unlinked: their stamp, and the grace period that must end before
 *           their memory is used again. Written by whoever unlinked, before the free
 *
 * A table's stamp stands in one of its words from before it is linked until it is unlinked. No two
 * tables ever have the same.
 */
import type { GracePeriod, Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { type HeapBuffer, reserveBuffer, SharedMemory, viewWords } from '../../core/mem/shared.js';

export const SLOTS = 256;

/** Tables of which it is known when they were unlinked: the last of each remainder. */
const FREED = 1 << 14;
const FREED_AT = SLOTS;
const BOARD_WORDS: number = FREED_AT + 2 * FREED;

export function reserveBoard(): HeapBuffer {
  return reserveBuffer(BOARD_WORDS * 4);
}

export function openBoard(buffer: HeapBuffer): Memory {
  return new SharedMemory(viewWords(buffer, 0, BOARD_WORDS), true);
}

export function slotWord(slot: number): Word {
  return slot as Word;
}

/** Offset of the stamp in a table: behind the words that a list node may use. */
export const STAMP_AT = 2;

const MEMBER_SHIFT = 24;
const COUNT_MASK = (1 << MEMBER_SHIFT) - 1;
/** No empty word of any format, and no address, is so large. */
const STAMP = 1 << 30;

/** The stamp of a member's `count`th table. */
export function stampOf(member: number, count: number): number {
  return STAMP | (member << MEMBER_SHIFT) | (count & COUNT_MASK);
}

/** Says of an unlinked table which grace period must end before its memory is used again. */
export function noteFreed(board: Memory, stamp: number, n: GracePeriod): void {
  const entry = entryOf(stamp);
  board.store(entry, 0);
  board.store((entry + 1) as Word, n);
  board.store(entry, stamp);
}

/** That grace period; null: the table was not unlinked, or long ago. */
export function freedFor(board: Memory, stamp: number): GracePeriod | null {
  const entry = entryOf(stamp);
  if (board.load(entry) !== stamp) return null;
  const n = board.load((entry + 1) as Word) as GracePeriod;
  // Another table's may have been written between the two.
  return board.load(entry) === stamp ? n : null;
}

function entryOf(stamp: number): Word {
  // Members count by themselves: their numbers are spread.
  return (FREED_AT + 2 * ((stamp ^ (stamp >>> 13)) & (FREED - 1))) as Word;
}
