/**
 * A reader of a replay: walks live tables all the while, without locks.
 *
 * Inside a section it loads a published table number, finds the table in the write-once list, and
 * looks at every word, before and after it dwells there. Each word must be that table's stamp or
 * the empty value, the words of a list node included: anything else means that the memory was
 * handed out, or written, under a reader (P1, P2). The owner empties a table before it frees it,
 * and a reader may still be in it.
 */

import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { HeapKind } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import { quiescent, rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { COUNT } from '../../crew/counters.js';
import type { Member } from '../../crew/member.js';
import { Roamer } from '../../crew/roamer.js';
import {
  SLOTS,
  slotKind,
  slotTable,
  slotWord,
  stampOf,
  tableWord,
  VIOLATION,
  violationWord,
} from './board.js';

const PAUSE = { sleepOneIn: 512, sleepMs: 0.3, spinMax: 3000 } as const;

export class Walker extends Roamer {
  private readonly board: Memory;

  constructor(member: Member, board: Memory) {
    super(member, PAUSE);
    this.board = board;
  }

  protected override turn(): void {
    rcuReadLock(this.thread);
    const hasRead = this.visit();
    rcuReadUnlock(this.thread);
    if (hasRead) {
      this.count(COUNT.READS);
      this.met();
    }
    quiescent(this.thread);
  }

  /** One visit to a live table; false if there was none. Context: inside a section. */
  private visit(): boolean {
    // OBSERVE(table): its stamps are visible if its number is.
    const packed = this.board.load(slotWord(this.prng.below(SLOTS)));
    if (packed === 0) return false;
    const table = slotTable(packed);
    // OBSERVE(announce): not written down yet while its owner is still publishing it.
    const address = this.board.load(tableWord(table)) as Word | 0;
    if (address === 0) return false;
    const kind = this.thread.heap.kinds[slotKind(packed)] as HeapKind;
    if (!this.check(address, table, kind, 0)) return true;
    this.dwell();
    this.check(address, table, kind, 1);
    return true;
  }

  private check(address: Word, table: number, kind: HeapKind, afterDwell: 0 | 1): boolean {
    const { mem } = this.thread;
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
    const { board } = this;
    if (board.add(violationWord(VIOLATION.COUNT), 1) !== 0) return;
    board.store(violationWord(VIOLATION.TABLE), table);
    board.store(violationWord(VIOLATION.OFFSET), offset);
    board.store(violationWord(VIOLATION.VALUE), value);
    board.store(violationWord(VIOLATION.AFTER_DWELL), afterDwell);
  }
}
