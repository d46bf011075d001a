/**
 * The common core where each freed table ends when the recording says.
 *
 * A page's callback runs when the last table that is C in it has ended, and again at once while all
 * its new C have ended too. A head's grace period counts as begun as soon as it is queued, so no
 * free joins: those that come while it waits are N.
 */
import type { Word } from '../../core/base/units.js';
import { advanceGrace } from '../../core/rcu/grace-period.js';
import { Common, type CommonPage, type CommonTable } from './common.js';

export class RecordedCommon extends Common {
  private readonly dying = new Map<number, Word>();
  private ripePages: CommonPage[] = [];
  private ripeMms: Word[] = [];

  protected override tableQueued(
    _number: number,
    table: CommonTable,
    heads: readonly Word[],
  ): void {
    const { page } = table;
    if (heads.length > 0) {
      page.round = 0;
      page.current = 1;
      page.next = 0;
      advanceGrace(this.thread.heap);
      table.round = 0;
    } else {
      page.next++;
      table.round = page.round + 1;
    }
  }

  protected override mmQueued(mm: number, heads: readonly Word[]): void {
    this.dying.set(mm, heads[0] as Word);
    advanceGrace(this.thread.heap);
  }

  override end(number: number): void {
    const table = this.tables.get(number);
    if (table === undefined) return;
    this.tables.delete(number);
    const { page, round } = table;
    if (round !== page.round) page.next--;
    else if (--page.current === 0) this.ripePages.push(page);
  }

  override endMm(mm: number): void {
    this.ripeMms.push(this.dying.get(mm) as Word);
    this.dying.delete(mm);
  }

  override settle(): void {
    if (this.ripePages.length + this.ripeMms.length === 0) return;
    for (const page of this.ripePages) this.runPage(page);
    for (const head of this.ripeMms) this.runHead(head);
    this.ripePages = [];
    this.ripeMms = [];
  }

  private runPage(page: CommonPage): void {
    while (page.current === 0) {
      const again = this.runHead(page.head).length > 0;
      page.round++;
      page.current = page.next;
      page.next = 0;
      if (!again) return;
      advanceGrace(this.thread.heap);
    }
  }

  protected override waitingHeads(): readonly Word[] {
    // A page's head is queued exactly while some table in it is C.
    const heads = this.pages.flatMap((page) =>
      page !== null && page.current > 0 ? page.head : [],
    );
    return [...heads, ...this.dying.values()];
  }

  override wantsGrace(): boolean {
    return false;
  }

  override beginGrace(): void {}
  override endGrace(): void {}
}
