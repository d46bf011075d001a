/**
 * A mutator of a replay: allocates and frees tables as its ring says.
 *
 * Alloc: the table is filled with its stamp, published in a slot for readers, and only then its
 * address is written down, which is what its free waits for. Free: unpublished, emptied, freed, by
 * whichever mutator the trace says. Destroy waits for the frees of its mm. All else is free to
 * race.
 */
import type { KindId, MmId, Word } from '../../../core/base/units.js';
import { allocTable } from '../../../core/frag/alloc.js';
import { fillEmpty } from '../../../core/frag/contents.js';
import { freeTable } from '../../../core/frag/free.js';
import { destroyMm } from '../../../core/frag/mm.js';
import type { HeapKind } from '../../../core/mem/heap.js';
import { mmFreedWord, mmWord, packSlot, slotWord, stampOf, tableWord } from '../../crew/control.js';
import { isSet, Performer } from '../../crew/performer.js';
import { TASK } from '../../crew/ring.js';

export class Mutator extends Performer {
  protected override perform(): void {
    const { task, mm, first: kind, second: table } = this.ring;
    if (task === TASK.create) this.announce(this.control, mmWord(mm), this.createMm());
    else if (task === TASK.alloc) this.alloc(mm, kind, table);
    else if (task === TASK.free) this.free(mm, kind, table);
    else this.destroy(mm, table);
  }

  private alloc(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmWord(mm)) as MmId;
    const address = this.untilPages(() => allocTable(this.thread, id, kind as KindId));
    this.mem.fill(address, shape.fragmentWords, stampOf(table));
    // PUBLISH(table): the stamps are plain.
    this.control.store(slotWord(table), packSlot(table, kind));
    this.announce(this.control, tableWord(table), address);
  }

  private free(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmWord(mm)) as MmId;
    const address = this.awaitSet(tableWord(table)) as Word;
    // Unless a later table took the slot over.
    this.control.cas(slotWord(table), packSlot(table, kind), 0);
    fillEmpty(this.mem, address, shape.fragmentWords, shape);
    freeTable(this.thread, id, address);
    const freed = mmFreedWord(mm);
    this.control.add(freed, 1);
    this.wake(this.control, freed);
  }

  private destroy(mm: number, frees: number): void {
    const id = this.awaitSet(mmWord(mm)) as MmId;
    this.awaitUntil(this.control, mmFreedWord(mm), (freed) => freed === frees);
    destroyMm(this.thread, id);
  }

  private awaitSet(word: Word): number {
    return this.awaitUntil(this.control, word, isSet);
  }
}
