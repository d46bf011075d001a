/**
 * What a thread is about to do to a table or an mm, in its own record: so that nothing is lost if
 * it dies on the way. Whoever recovers what it left (recover.ts) goes on from there, or takes it
 * back.
 *
 *   INTENT         one of the numbers below
 *   INTENT_TABLE   ALLOC, HOLD, FREE: the table
 *   INTENT_SLOT    LINK: the word that names the table, where the table is linked
 *   INTENT_LINK    LINK: what stands there then
 *   INTENT_RECORD  the mm's record
 *   INTENT_TABLES  ALLOC, FREE: how many tables the mm has without this one
 *
 *   NONE -> ALLOC    under the owner's lock, before the first change
 *   ALLOC -> HOLD    under it, when all is done: the table is allocated, and known to this thread
 *                    alone
 *   HOLD -> LINK     before the table is linked, under the lock of the slot, by whoever allocated
 *                    it
 *   NONE -> LINK     before it is unlinked, under that lock
 *   LINK -> NONE     when it is linked, under that lock still
 *   HOLD -> NONE     when the caller is given the table
 *   any -> FREE      under the owner's lock, before the first change
 *   FREE -> NONE     under it, when all is done: as soon as it is let go of, the table may be
 *                    somebody else's
 *   NONE -> MAKE     under the lock of the table of mms, before the record is taken from there
 *   MAKE -> NONE     when the caller is given the mm; under that lock, where the record goes back
 *   MAKE -> UNMAKE   by whoever recovers: the mm was made, and its number never returned
 *   NONE -> END      under the owner's lock and in a read section, before LIFE says that it ended
 *   END -> NONE      under that lock and in that section, when the head is queued
 *
 * Plain, all of it: written by the thread, and by whoever recovers what it left. The words that say
 * of what come before INTENT. What is refused changes none of them (X9).
 */
import type { Word } from '../base/units.js';
import type { Thread } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';

export const INTENT = {
  NONE: 0,
  ALLOC: 1,
  HOLD: 2,
  LINK: 3,
  FREE: 4,
  MAKE: 5,
  END: 6,
  UNMAKE: 7,
} as const;

// Consts of this module, as mem/layout.ts says.
const { INTENT: KIND, INTENT_TABLE, INTENT_RECORD, INTENT_TABLES } = THREAD;
const { INTENT_SLOT, INTENT_LINK } = THREAD;

/** Says that a table of an mm, which has so many others, is about to be allocated or freed. */
export function intendTable(
  { mem, record: own }: Thread,
  intent: number,
  table: Word,
  record: Word,
  others: number,
): void {
  mem.poke((own + INTENT_TABLE) as Word, table);
  mem.poke((own + INTENT_RECORD) as Word, record);
  mem.poke((own + INTENT_TABLES) as Word, others);
  mem.poke((own + KIND) as Word, intent);
}

/** Says that the table is allocated, and that nobody else knows it. */
export function intendHold({ mem, record }: Thread): void {
  mem.poke((record + KIND) as Word, INTENT.HOLD);
}

/**
 * Says that a table of an mm is about to be linked or unlinked: it is linked while `slot` holds
 * `link`. Nobody else links or unlinks it meanwhile.
 */
export function intendLink(
  { mem, record: own }: Thread,
  table: Word,
  record: Word,
  slot: Word,
  link: number,
): void {
  mem.poke((own + INTENT_SLOT) as Word, slot);
  mem.poke((own + INTENT_LINK) as Word, link);
  mem.poke((own + INTENT_TABLE) as Word, table);
  mem.poke((own + INTENT_RECORD) as Word, record);
  mem.poke((own + KIND) as Word, INTENT.LINK);
}

/** Says that an mm's record is about to be taken, or its mm to be ended. */
export function intendRecord({ mem, record: own }: Thread, intent: number, record: Word): void {
  mem.poke((own + INTENT_RECORD) as Word, record);
  mem.poke((own + KIND) as Word, intent);
}

/** Says that what was intended is done, or was taken back. */
export function intendNothing({ mem, record }: Thread): void {
  mem.poke((record + KIND) as Word, INTENT.NONE);
}
