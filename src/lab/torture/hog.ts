/** Has all pages for a share of the time: the others find none, and must go on when there are. */
import { CONTROL, controlWord } from '../crew/control.js';
import { Torturer } from './torturer.js';

/** One round: all is taken, held for a share of this, and given back for the rest. */
const ROUND_MS = 100;

export class Hog extends Torturer {
  protected override turn(): void {
    const { thread, data } = this;
    const mm = this.createMm();
    if (mm === null) return;
    const tables: number[] = [];
    const kinds = this.core.heap.kinds.length;
    // The largest first: smaller ones take what those leave.
    for (let kind = kinds - 1; kind >= 0; kind--) {
      for (;;) {
        const table = thread.tryAllocTable(mm, kind);
        if (table === null) break;
        tables.push(table);
      }
    }
    this.rest(ROUND_MS * data.oom);
    for (const table of tables) thread.freeTable(mm, table);
    thread.destroyMm(mm);
    this.rest(ROUND_MS * (1 - data.oom));
  }

  private rest(ms: number): void {
    this.control.awaitChange(controlWord(CONTROL.STOP), 0, ms);
  }
}
