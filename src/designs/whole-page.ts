/**
 * One page for each table, every free through RCU: what sharing is measured against.
 *
 * It is what Linux does where tables don't share pages, but for what no reader can reach: see
 * s390-6.7, which frees that at once.
 */
import type { Violation } from '../frag/check.js';
import { type Counts, type Design, emptyCounts } from './design.js';

export class WholePage implements Design {
  readonly name = 'whole-page';
  readonly sharing = null;
  readonly counts: Counts = emptyCounts();
  /** Kind of each table that has a page. */
  private readonly kinds = new Map<number, 0 | 1>();
  private readonly ended: number[] = [];
  /** gp: freed tables, before and after the grace period under way began. */
  private waiting: number[] = [];
  private next: number[] = [];

  createMm(): void {}
  exitMm(): void {}
  destroyMm(): void {}
  endMm(): void {}

  alloc(_mm: number, kind: 0 | 1, table: number): void {
    this.kinds.set(table, kind);
    this.counts.pages[kind]++;
    this.counts.fresh[kind]++;
  }

  free(_mm: number, _kind: 0 | 1, table: number): void {
    this.next.push(table);
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
    for (const table of [...this.kinds.keys()]) this.release(table);
    const left = this.counts.pages[0] + this.counts.pages[1];
    return left === 0 ? [] : [{ rule: 'P9', detail: `${left} pages did not come back` }];
  }

  private release(table: number): void {
    const kind = this.kinds.get(table);
    if (kind === undefined) return;
    this.kinds.delete(table);
    this.counts.pages[kind]--;
    this.counts.callbacks++;
  }
}
