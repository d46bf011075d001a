/**
 * One page for each table, every free through RCU: what sharing is measured against.
 *
 * It is what Linux does where tables don't share pages, but for what no reader can reach: see
 * s390-6.7, which frees that at once.
 */
import type { Violation } from '../../core/frag/check.js';
import * as counts from './counts.js';
import { type Counts, PageUse } from './counts.js';
import type { Design, DesignEntry } from './design.js';

const NAME = 'whole-page';

class WholePage implements Design {
  readonly name: string = NAME;
  readonly sharing = null;
  readonly counts: Counts = counts.emptyCounts();
  /** The page of each table. */
  private readonly pages = new Map<number, PageUse>();
  private readonly ended: number[] = [];
  /** gp: freed tables, before and after the grace period under way began. */
  private waiting: number[] = [];
  private next: number[] = [];

  createMm(): void {}
  exitMm(): void {}
  destroyMm(): void {}
  endMm(): void {}

  alloc(_mm: number, kind: 0 | 1, table: number): void {
    const page = new PageUse(kind);
    this.pages.set(table, page);
    counts.noteFresh(this.counts, page);
  }

  free(_mm: number, _kind: 0 | 1, table: number): void {
    this.next.push(table);
    counts.noteFree(this.counts, this.pages.get(table) as PageUse);
  }

  defer(mm: number, kind: 0 | 1, table: number): void {
    this.free(mm, kind, table);
  }

  freeNow(mm: number, kind: 0 | 1, table: number): boolean {
    this.free(mm, kind, table);
    return false;
  }

  settled(): void {}

  end(table: number): void {
    this.ended.push(table);
  }

  settle(): void {
    for (const table of this.ended) this.release(table);
    this.ended.length = 0;
    this.next.length = 0;
  }

  wantsGrace(): boolean {
    return this.next.length > 0;
  }

  beginGrace(): void {
    this.waiting = this.next;
    this.next = [];
  }

  endGrace(): void {
    this.counts.gracePeriods++;
    for (const table of this.waiting) this.release(table);
    this.waiting = [];
  }

  finish(): Violation[] {
    for (const table of [...this.pages.keys()]) this.release(table);
    const left = this.counts.pages[0] + this.counts.pages[1];
    return left === 0 ? [] : [{ rule: 'P9', detail: `${left} pages did not come back` }];
  }

  private release(table: number): void {
    const page = this.pages.get(table);
    if (page === undefined) return;
    this.pages.delete(table);
    counts.noteBack(this.counts, page);
    this.counts.callbacks[page.kind]++;
  }
}

export const WHOLE_PAGE: DesignEntry = {
  name: NAME,
  architecture: null,
  perPageMax: Number.POSITIVE_INFINITY,
  make: () => new WholePage(),
};
