/**
 * Links tables in slots where readers find them, and unlinks and frees what is there; now and then
 * it makes and ends an mm, waits for a grace period or for all callbacks, or leaves and comes back.
 */
import type { KindId, MmId, Word } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import { allocTable } from '../../core/frag/alloc.js';
import { freeTable } from '../../core/frag/free.js';
import type { HeapKind } from '../../core/mem/heap.js';
import { graceAhead } from '../../core/rcu/grace-period.js';
import { COUNT } from '../crew/counters.js';
import { noteFreed, SLOTS, STAMP_AT, slotWord, stampOf } from './board.js';
import { TALLY } from './options.js';
import { Torturer } from './torturer.js';

/** One turn in so many is something else than a table. */
const MM_ONE_IN = 256;
const WAIT_ONE_IN = 2048;
const ATTACH_ONE_IN = 1024;
const POLL_ONE_IN = 16;

const KIND = 0 as KindId;

/** Tables of an mm that lives for one turn. */
const TABLES = 6;

export class Churner extends Torturer {
  private made = 0;

  protected override turn(): void {
    const { prng, thread } = this;
    this.replace(prng.below(SLOTS));
    this.count(COUNT.OPERATIONS);
    if (prng.below(POLL_ONE_IN) === 0) this.count(COUNT.CALLBACKS, thread.poll());
    if (prng.below(MM_ONE_IN) === 0) this.makeAndEndMm();
    if (prng.below(ATTACH_ONE_IN) === 0) {
      this.attachAgain();
      this.count(TALLY.ATTACHES);
    }
    if (prng.below(WAIT_ONE_IN) !== 0) return;
    if (prng.below(2) === 0) this.thread.synchronize();
    else this.thread.barrier();
  }

  /** Puts a new table into a slot, or none where no page is left; frees what was there. */
  private replace(slot: number): void {
    const { core, board, data } = this;
    const table = allocTable(core, data.tables as MmId, KIND);
    if (table === null) this.count(COUNT.OUT_OF_PAGES);
    else core.mem.store(at(table, STAMP_AT), stampOf(data.index, this.made++));
    // PUBLISH(tortured): the stamp is there before the table can be found.
    const old = board.exchange(slotWord(slot), table ?? 0) as Word | 0;
    if (old !== 0) this.free(old);
  }

  private free(table: Word): void {
    const { core, board, data } = this;
    const word = at(table, STAMP_AT);
    const { emptyEven } = core.heap.kinds[KIND] as HeapKind;
    noteFreed(board, core.mem.load(word), graceAhead(core.heap));
    core.mem.store(word, emptyEven);
    freeTable(core, data.tables as MmId, table);
    this.count(TALLY.FREES);
  }

  private makeAndEndMm(): void {
    const { thread } = this;
    const mm = this.createMm();
    if (mm === null) return;
    for (let count = 0; count < TABLES; count++) {
      const table = thread.tryAllocTable(mm);
      if (table !== null) thread.freeTable(mm, table);
    }
    thread.destroyMm(mm);
  }
}
