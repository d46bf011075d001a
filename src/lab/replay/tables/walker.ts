/**
 * A reader of a replay: walks live tables all the while, without locks.
 *
 * Inside a section it loads a published table number, finds the table in the write-once list, and
 * looks at every word, before and after it dwells there. Each word must be that table's stamp or
 * the empty value, the words of a list node included: anything else means that the memory was
 * handed out, or written, under a reader (P1, P2). The owner empties a table before it frees it,
 * and a reader may still be in it.
 */

import { Prng } from '../../../core/base/prng.js';
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { HeapKind, Thread } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import { quiescent, rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import {
  CONTROL,
  COUNT,
  controlWord,
  count,
  SLOTS,
  slotKind,
  slotTable,
  slotWord,
  stampOf,
  tableWord,
} from '../../crew/control.js';

/** One dwell in this many sleeps; the others spin for a while. */
const SLEEP_ONE_IN = 512;
const SLEEP_MS = 0.3;
const SPIN_MAX = 3000;

export class Walker {
  private readonly thread: Thread;
  private readonly mem: Memory;
  private readonly control: Memory;
  private readonly index: number;
  private readonly prng: Prng;

  constructor(thread: Thread, control: Memory, index: number, seed: number) {
    this.thread = thread;
    this.mem = thread.mem;
    this.control = control;
    this.index = index;
    this.prng = new Prng(seed);
  }

  /** Reads until the dispatcher says stop. */
  run(): void {
    const stop = controlWord(CONTROL.STOP);
    while (this.control.load(stop) === 0) {
      rcuReadLock(this.thread);
      if (this.visit()) count(this.control, this.index, COUNT.READS, 1);
      rcuReadUnlock(this.thread);
      quiescent(this.thread);
    }
  }

  /** One visit to a live table; false if there was none. Context: inside a section. */
  private visit(): boolean {
    // OBSERVE(table): its stamps are visible if its number is.
    const packed = this.control.load(slotWord(this.prng.below(SLOTS)));
    if (packed === 0) return false;
    const table = slotTable(packed);
    // OBSERVE(announce): not written down yet while its owner is still publishing it.
    const address = this.control.load(tableWord(table)) as Word | 0;
    if (address === 0) return false;
    const kind = this.thread.heap.kinds[slotKind(packed)] as HeapKind;
    if (!this.check(address, table, kind, 0)) return true;
    this.dwell();
    this.check(address, table, kind, 1);
    return true;
  }

  private check(address: Word, table: number, kind: HeapKind, afterDwell: 0 | 1): boolean {
    const { mem } = this;
    const stamp = stampOf(table);
    const { emptyEven, emptyOdd, fragmentWords } = kind;
    for (let offset = 0; offset < fragmentWords; offset++) {
      const value = mem.load(at(address, offset));
      if (value === stamp || value === ((offset & 1) === 0 ? emptyEven : emptyOdd)) continue;
      this.report(table, offset, value, afterDwell);
      return false;
    }
    return true;
  }

  private report(table: number, offset: number, value: number, afterDwell: 0 | 1): void {
    const { control } = this;
    if (control.add(controlWord(CONTROL.VIOLATIONS), 1) !== 0) return;
    control.store(controlWord(CONTROL.FIRST_TABLE), table);
    control.store(controlWord(CONTROL.FIRST_OFFSET), offset);
    control.store(controlWord(CONTROL.FIRST_VALUE), value);
    control.store(controlWord(CONTROL.FIRST_AFTER_DWELL), afterDwell);
  }

  private dwell(): void {
    if (this.prng.below(SLEEP_ONE_IN) === 0) {
      this.control.awaitChange(controlWord(CONTROL.STOP), 0, SLEEP_MS);
      return;
    }
    const spins = this.prng.below(SPIN_MAX);
    for (let spin = 0; spin < spins; spin++) this.prng.next();
  }
}
