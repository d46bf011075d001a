/**
 * Spaces that a dead thread was making, a fork's child among them, and such as it was ending:
 * nobody else has them, so they are ended by whoever recovers what it left (frag/recover.ts), who
 * acts in its name.
 *
 * Each step leaves what another try goes on from: a space with fewer pages, an mm without a tree. A
 * table that was unlinked, and not freed, is said by the thread's INTENT.
 */
import type { MmId, Vpn } from '../base/units.js';
import { at } from '../base/units.js';
import { destroyMm } from '../frag/mm.js';
import type { TableRecovery } from '../frag/recover.js';
import { type Heap, mmRecordAt, mmsHigh, type Thread } from '../mem/heap.js';
import { MM } from '../mem/layout.js';
import { breakRule } from '../mem/lock.js';
import { extentOf } from './fork.js';
import type { EntryFormat } from './format.js';
import { unmapStep } from './map.js';
import { repairTables } from './repair.js';
import { endSpace, rootOf, type Space, spaceOf } from './space.js';

/** What a recovery does with page tables, in heaps that have any. */
export function tableRecovery(formatOf: (heap: Heap) => EntryFormat): TableRecovery {
  return { repair: repairTables, unmake: (dead) => unmakeSpaces(dead, formatOf) };
}

/** Ends the spaces that a dead thread alone had. Throws `StallError`, to be called again. */
function unmakeSpaces(dead: Thread, formatOf: (heap: Heap) => EntryFormat): void {
  const { heap, mem, id } = dead;
  const high = mmsHigh(heap);
  for (let index = 0; index < high; index++) {
    const record = mmRecordAt(heap, index);
    // In this order: where the record serves another mm by now, so does MAKER.
    const life = mem.load(at(record, MM.LIFE));
    if (life <= 0 || mem.load(at(record, MM.MAKER)) !== id + 1) continue;
    unmake(spaceOf(dead, formatOf(heap), life as MmId));
  }
}

function unmake(space: Space): void {
  const { thread, mm } = space;
  unmapAll(space);
  if (rootOf(space) !== 0 && !endSpace(space)) {
    breakRule(thread.heap, 11, `mm ${mm}, which nobody knows, was worked on`);
  }
  destroyMm(thread, mm);
}

function unmapAll(space: Space): void {
  const extent = extentOf(space);
  for (let done = 0; done < extent; ) {
    const step = unmapStep(space, done as Vpn, extent - done);
    // All of it: no large page is to be split.
    if (step.kind !== 'done') breakRule(space.thread.heap, 11, `unmapped whole: ${step.kind}`);
    done += step.pages;
  }
}
