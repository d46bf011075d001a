/**
 * The common core where each freed table ends when the recording says.
 *
 * A page's callback runs when the last table that is C in it has ended, and again at once while all
 * its new C have ended too. A head's grace period counts as begun as soon as it is queued, so no
 * free joins: those that come while it waits are N.
 */
import type { Pfn, Word } from '../base/units.js';
import { pfnOfAddress, pfnOfPtdesc } from '../mem/heap.js';
import { advanceGrace } from '../rcu/grace-period.js';
import { Common } from './common.js';

/** A page whose head is queued. */
interface WaitingPage {
  readonly head: Word;
  /** Counts the page's callbacks: tables of this round are C, those of the next are N. */
  round: number;
  /** Tables of this round and of the next that have not ended. */
  current: number;
  next: number;
}

interface WaitingTable {
  readonly page: WaitingPage;
  readonly round: number;
}

export class RecordedCommon extends Common {
  private readonly pages = new Map<Pfn, WaitingPage>();
  private readonly waiting = new Map<number, WaitingTable>();
  private readonly dying = new Map<number, Word>();
  private ripePages: WaitingPage[] = [];
  private ripeMms: Word[] = [];

  protected override tableQueued(table: number, address: Word, heads: Word[]): void {
    const pfn = pfnOfAddress(this.thread.heap, address);
    const [head] = heads;
    if (head !== undefined) {
      this.pages.set(pfn, { head, round: 0, current: 0, next: 0 });
      advanceGrace(this.thread.heap);
    }
    const page = this.pages.get(pfn) as WaitingPage;
    if (head !== undefined) page.current++;
    else page.next++;
    this.waiting.set(table, { page, round: page.round + (head !== undefined ? 0 : 1) });
  }

  protected override mmQueued(mm: number, heads: Word[]): void {
    this.dying.set(mm, heads[0] as Word);
    advanceGrace(this.thread.heap);
  }

  override end(table: number): void {
    const waiting = this.waiting.get(table);
    if (waiting === undefined) return;
    this.waiting.delete(table);
    const { page, round } = waiting;
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

  private runPage(page: WaitingPage): void {
    while (page.current === 0) {
      const again = this.runHead(page.head).length > 0;
      page.round++;
      page.current = page.next;
      page.next = 0;
      if (!again) {
        this.pages.delete(this.pfnOf(page));
        return;
      }
      advanceGrace(this.thread.heap);
    }
  }

  private pfnOf(page: WaitingPage): Pfn {
    return pfnOfPtdesc(this.thread.heap, page.head);
  }

  protected override waitingHeads(): Word[] {
    return [...[...this.pages.values()].map((page) => page.head), ...this.dying.values()];
  }

  override wantsGrace(): boolean {
    return false;
  }

  override beginGrace(): void {}
  override endGrace(): void {}
}
