/**
 * A software TLB of one thread: translations that it need not walk for again.
 *
 * FLUSHES in the mm's record goes up by one, after the entries were changed and before the lock of
 * their table is let go of. A TLB's slot has the number that was read before the walk that filled
 * it, and is good only while FLUSHES still is that number. So a slot that is used after a flush was
 * filled by a walk that began after it; and whoever finds under the lock what others did there, and
 * returns, has their flushes behind it too (T4).
 *
 *   OBSERVE FLUSHES, walk, fill        PUBLISH entries, FLUSHES + 1
 *
 * What the caller must promise: it uses what it was given inside the read section in which it
 * asked, and who unmaps a page waits for a grace period before it gives its frame to another. Then
 * a flush between asking and using does no harm, as on hardware where the flush waits for the other
 * CPU's instruction to end.
 *
 * The number wraps after 2^32 flushes; a slot that is not touched during all of them would be
 * wrong.
 */
import { assertAtImport } from '../base/assert.js';
import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { MM } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { highOf, type Space } from './space.js';
import { NOT_MAPPED, walkAt } from './walk.js';

/** A thread's own memory for it: `slots`, a power of two, of TLB_SLOT_WORDS each, all 0. */
export interface Tlb {
  readonly memory: Memory;
  readonly slotsAt: Word;
  readonly slots: number;
}

/** Of a slot: the page, its high part, the number of flushes, the mm, and what the walk found. */
const SLOT = { PAGE: 0, PAGE_HIGH: 1, FLUSHES: 2, MM: 3, FOUND: 4 };

export const TLB_SLOT_WORDS = 8;

/** The number of all mms' common owner, which has no tree. */
const NO_MM = 0;

assertAtImport(SLOT.PAGE === 0, 'the page is not the first word of a slot');
assertAtImport(
  Object.values(SLOT).every((field) => field < TLB_SLOT_WORDS),
  'a field reaches into the next slot of a TLB',
);

/**
 * Says that entries have changed: no TLB uses what it has of this mm any more. Context: the lock
 * held of the table whose entries they are.
 */
export function flush({ thread, record }: Space): void {
  // PUBLISH(flush): the entries were changed before.
  thread.mem.add(at(record, MM.FLUSHES), 1);
}

/** As `walk`, by way of the thread's TLB. Context: as walk. */
export function walkCached(space: Space, tlb: Tlb, vpn: Vpn): number {
  return lookUp(space, tlb, vpn | 0, highOf(vpn));
}

/** The same, of an address in two words: see `walkAddress`. */
export function walkCachedAddress(space: Space, tlb: Tlb, low: number, high: number): number {
  const { pageShift } = space.format;
  return lookUp(space, tlb, (low >>> pageShift) | (high << (32 - pageShift)), high >>> pageShift);
}

function lookUp(space: Space, { memory, slotsAt, slots }: Tlb, page: number, high: number): number {
  const { thread, mm, record } = space;
  // OBSERVE(flush): whatever is walked or found below is no older than this number.
  const flushes = thread.mem.load(at(record, MM.FLUSHES));
  const slot = (slotsAt + (page & (slots - 1)) * TLB_SLOT_WORDS) as Word;
  if (
    memory.peek(slot) === page &&
    memory.peek((slot + SLOT.FLUSHES) as Word) === flushes &&
    memory.peek((slot + SLOT.PAGE_HIGH) as Word) === high &&
    memory.peek((slot + SLOT.MM) as Word) === mm
  ) {
    return memory.peek((slot + SLOT.FOUND) as Word);
  }
  const found = walkAt(space, page, high);
  if (found === NOT_MAPPED) return found;
  // Of no mm until all of it is filled: were this broken off, half a slot would name a wrong frame.
  memory.poke((slot + SLOT.MM) as Word, NO_MM);
  memory.poke(slot, page);
  memory.poke((slot + SLOT.PAGE_HIGH) as Word, high);
  memory.poke((slot + SLOT.FLUSHES) as Word, flushes);
  memory.poke((slot + SLOT.FOUND) as Word, found);
  memory.poke((slot + SLOT.MM) as Word, mm);
  return found;
}
