/**
 * Page tables after a thread has died in them: what its table locks protect is put in order while
 * they are still its own, for `recoverThread` (frag/recover.ts).
 *
 * An entry of which both words were being changed is changed (entry.ts). The TLBs are told to
 * forget what they have of the mm: a flush may be owed. Whether a table is linked is asked now: as
 * long as the locks are held nobody else links it or takes it out.
 */
import type { Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { INTENT, intendNothing } from '../frag/intent.js';
import { kindIdOf } from '../frag/ptdesc.js';
import { LITTLE_ENDIAN } from '../mem/endian.js';
import {
  type HeapKind,
  mmRecordAt,
  mmsHigh,
  pagesLimit,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '../mem/heap.js';
import { MM, PTDESC, THREAD } from '../mem/layout.js';
import { release, threadInside } from '../mem/lock.js';
import { highWord, lowWord } from './entry.js';

/** Puts in order, and lets go of, the tables that a dead thread had locked. O(pages). */
export function repairTables(dead: Thread): void {
  const { heap, mem, id } = dead;
  finishChange(dead);
  settleLink(dead);
  const limit = pagesLimit(heap);
  for (let pfn = 0; pfn < limit; pfn++) {
    const lock = at(ptdescOf(heap, pfn as Pfn), PTDESC.LOCK);
    if (threadInside(mem.load(lock)) !== id) continue;
    flushOwed(dead, pfn as Pfn);
    release(dead, lock);
  }
}

/** Makes the entry what it was to become, again by way of none. */
function finishChange({ heap, mem, record }: Thread): void {
  const changes = at(record, THREAD.CHANGES);
  const entry = mem.peek(changes) as Word | 0;
  if (entry === 0) return;
  const kindId = kindIdOf(mem, ptdescOf(heap, pfnOfAddress(heap, entry)));
  const { emptyEven, emptyOdd } = heap.kinds[kindId] as HeapKind;
  mem.store(lowWord(entry), LITTLE_ENDIAN ? emptyEven : emptyOdd);
  mem.store(highWord(entry), mem.peek(at(record, THREAD.CHANGES_HIGH)));
  mem.store(lowWord(entry), mem.peek(at(record, THREAD.CHANGES_LOW)));
  mem.poke(changes, 0);
}

/** A table that is linked is nobody's secret: nothing more is to be done about it. */
function settleLink(dead: Thread): void {
  const { mem, record } = dead;
  if (mem.peek(at(record, THREAD.INTENT)) !== INTENT.LINK) return;
  const slot = mem.peek(at(record, THREAD.INTENT_SLOT)) as Word;
  if (mem.load(slot) === mem.peek(at(record, THREAD.INTENT_LINK))) intendNothing(dead);
}

/** Which of the owner's mms the tables are of can't be told where it has several. */
function flushOwed({ heap, mem }: Thread, pfn: Pfn): void {
  const owner = mem.load(at(ptdescOf(heap, pfn), PTDESC.OWNER)) as Word;
  // PUBLISH(flush): the entries were changed before.
  if (!heap.sharedOwner && owner > 0) mem.add(at(owner, MM.FLUSHES), 1);
  if (!heap.sharedOwner) return;
  const high = mmsHigh(heap);
  for (let index = 0; index < high; index++) mem.add(at(mmRecordAt(heap, index), MM.FLUSHES), 1);
}
