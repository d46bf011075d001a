/**
 * Finds tables in slots inside read sections, and looks how long ago they were unlinked: not at
 * all, or so lately that the grace period which must end before their memory is used again has not
 * ended. Else readers are not protected, whatever they read there.
 */

import { type AddressSpace, frameOf, NOT_MAPPED, openSpace } from '../../api/pgtable/index.js';
import type { MmId, Word } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import type { HeapKind } from '../../core/mem/heap.js';
import { graceEnded } from '../../core/rcu/grace-period.js';
import { COUNT } from '../crew/counters.js';
import { dwell } from '../crew/pause.js';
import { freedFor, SLOTS, STAMP_AT, slotWord } from './board.js';
import { SPACE_PAGES, TALLY } from './options.js';
import { frameFits } from './pager.js';
import { Torturer } from './torturer.js';

const PAUSE = { sleepOneIn: 4096, sleepMs: 3, spinMax: 400 } as const;

/** Tables that are looked at in one section, and pages that are walked to. */
const VISITS = 4;
const WALKS = 2;

export class Reader extends Torturer {
  private space: AddressSpace | null = null;

  protected override turn(): void {
    const { thread, data } = this;
    const space = this.space ?? openSpace(thread, data.space as MmId);
    this.space = space;
    thread.readLock();
    for (let visits = 0; visits < VISITS; visits++) this.visit();
    for (let walks = 0; walks < WALKS; walks++) this.walk(space);
    thread.readUnlock();
    thread.quiescent();
    this.count(COUNT.READS, VISITS + WALKS);
  }

  private visit(): void {
    const { core, board, prng, control } = this;
    // OBSERVE(tortured): what is found is stamped.
    const table = board.load(slotWord(prng.below(SLOTS))) as Word | 0;
    if (table === 0) return;
    const word = at(table, STAMP_AT);
    const { emptyEven } = core.heap.kinds[0] as HeapKind;
    const stamp = core.mem.load(word);
    dwell(control, prng, PAUSE);
    const again = core.mem.load(word);
    if (again !== stamp && again !== emptyEven) {
      this.found('P1', `table ${table} was stamped ${stamp}, and ${again} inside one section`);
    }
    if (stamp !== emptyEven) this.judge(table, stamp);
  }

  private judge(table: Word, stamp: number): void {
    const { core, board } = this;
    const n = freedFor(board, stamp);
    const isOld = n !== null && graceEnded(core.heap, n);
    const young = n === null ? TALLY.AGE_LINKED : TALLY.AGE_CURRENT;
    this.count(isOld ? TALLY.AGE_OLD : young);
    if (!isOld) return;
    this.found('G1', `grace period ${n} ended while a reader was in table ${table}, freed before`);
  }

  private walk(space: AddressSpace): void {
    const page = this.prng.below(SPACE_PAGES);
    const found = space.walk(page * space.pageBytes);
    if (found === NOT_MAPPED || frameFits(page, frameOf(found))) return;
    this.found('T3', `page ${page} was found at frame ${frameOf(found)}, where nobody mapped it`);
  }
}
