/**
 * A mutator of a replay: allocates and frees tables as its ring says.
 *
 * Alloc: the table is filled with its stamp, published in a slot for readers, and only then its
 * address is written down, which is what its free waits for. Free: unpublished, emptied, freed, by
 * whichever mutator the trace says. Destroy waits for the frees of its mm. All else is free to
 * race.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { KindId, MmId, Word } from '../../../core/base/units.js';
import { allocTable } from '../../../core/frag/alloc.js';
import { fillEmpty, findNotEmpty } from '../../../core/frag/contents.js';
import { freeTable } from '../../../core/frag/free.js';
import { destroyMm } from '../../../core/frag/mm.js';
import type { HeapKind } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import type { Member } from '../../crew/member.js';
import { isSet, Performer } from '../../crew/performer.js';
import { mmFreesWord, mmIdWord, packSlot, slotWord, stampOf, tableWord } from './board.js';
import { TASK } from './tasks.js';

export class Mutator extends Performer {
  private readonly board: Memory;

  constructor(member: Member, board: Memory) {
    super(member);
    this.board = board;
  }

  protected override perform(): void {
    const { task, mm, first: kind, second: table } = this.ring;
    if (task === TASK.create) this.announce(this.board, mmIdWord(mm), this.createMm());
    else if (task === TASK.alloc) this.alloc(mm, kind, table);
    else if (task === TASK.free) this.free(mm, kind, table);
    else this.destroy(mm, table);
  }

  private alloc(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmIdWord(mm)) as MmId;
    const address = this.untilPages(() => allocTable(this.thread, id, kind as KindId));
    const written = findNotEmpty(this.mem, address, shape);
    if (written !== null) {
      const what = `word ${written} of table ${address} is not empty when it is handed out`;
      throw new InvariantError('P2', what, address + written);
    }
    this.mem.fill(address, shape.fragmentWords, stampOf(table));
    // PUBLISH(table): the stamps are plain.
    this.board.store(slotWord(table), packSlot(table, kind));
    this.announce(this.board, tableWord(table), address);
  }

  private free(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmIdWord(mm)) as MmId;
    const address = this.awaitSet(tableWord(table)) as Word;
    this.awaitRoamers();
    // Unless a later table took the slot over.
    this.board.cas(slotWord(table), packSlot(table, kind), 0);
    fillEmpty(this.mem, address, shape.fragmentWords, shape);
    freeTable(this.thread, id, address);
    const freed = mmFreesWord(mm);
    this.board.add(freed, 1);
    this.wake(this.board, freed);
  }

  private destroy(mm: number, frees: number): void {
    const id = this.awaitSet(mmIdWord(mm)) as MmId;
    this.awaitUntil(this.board, mmFreesWord(mm), (freed) => freed === frees);
    destroyMm(this.thread, id);
  }

  private awaitSet(word: Word): number {
    return this.awaitUntil(this.board, word, isSet);
  }
}
