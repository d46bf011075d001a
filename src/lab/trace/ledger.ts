/**
 * From what a recording's lines say to events, with the identity of every table kept.
 *
 * The forms know operations and arguments; the ledger knows what is live and what waits, gives out
 * the dense numbers, and refuses a line that contradicts the lines before it.
 *
 * Mms that are older than the recording (`pN`) are left out, and their tables with them. Lines
 * that name such an mm are easy. The others (ends, releases) name only a page; one that no mm of
 * the trace took is theirs, and the line is counted as foreign. No recording that we know has even
 * one such line: what has been seen of a pN is its destruction. A strictly sequential file has no
 * foreign tables at all, so there the same line is an error.
 */

import { emptyCounts, type TraceCounts } from './counts.js';
import { OP, type TraceEvent, type TraceKind, type Why } from './event.js';
import type { TraceHeader } from './form.js';
import { type Mm, Mms } from './mms.js';
import { type Freed, Page, Table } from './pages.js';
import { FOREIGN, type Fragment, type RecordLine } from './record.js';
import { Refusals } from './refusals.js';
import { type ListEnds, Teller } from './teller.js';

export class Ledger {
  readonly teller: Teller;
  readonly counts: TraceCounts = emptyCounts();
  private readonly header: TraceHeader;
  private readonly at: RecordLine;
  private readonly refusals: Refusals;
  private readonly mms: Mms;
  private readonly pages = new Map<number, Page>();
  private tables = 0;

  constructor(header: TraceHeader, at: RecordLine, onEvent: (event: TraceEvent) => void) {
    this.header = header;
    this.at = at;
    this.refusals = new Refusals(at);
    this.teller = new Teller(onEvent);
    this.mms = new Mms(at, this.teller);
  }

  /** Fragments in a page. */
  perPage(kind: TraceKind): number {
    return this.header.perPage[kind];
  }

  create(name: number): void {
    this.mms.create(name);
    this.counts.mms++;
  }

  exit(name: number): void {
    this.mms.exit(name);
  }

  destroy(name: number): void {
    this.mms.destroy(name);
  }

  /** `since`: the line in which the call began, where the recording says so. */
  miss(name: number, kind: TraceKind, why: Why, since = 0): void {
    this.teller.miss(this.mms.active(name), kind, why, since);
  }

  /** A page is taken for an mm, and its first fragment handed out: `place`. */
  allocFresh(name: number, kind: TraceKind, place: Fragment, why: Why, usable: number): void {
    const mm = this.mms.active(name);
    const page = this.takePage(mm, kind, place);
    this.teller.pageTaken(mm, kind, page.pfn, why, usable);
    this.counts.fresh[kind]++;
    const table = this.handOut(page, mm, place);
    this.teller.allocFresh(mm, page.kind, table, page.pfn, why, usable);
  }

  /** A fragment is handed out, from a page that the mm has. */
  allocAgain(name: number, kind: TraceKind, place: Fragment): void {
    const mm = this.mms.active(name);
    const page = this.pages.get(place.page);
    if (page === undefined || !page.held) throw this.refusals.pageNotHeld(place.page);
    this.checkFragment(page, kind, place);
    if (page.mm !== mm) throw this.refusals.wrongMm(place, name);
    const table = this.handOut(page, mm, place);
    this.teller.alloc(mm, page.kind, table, page.pfn, place.index);
  }

  /** The live table at `place` is freed through RCU by an mm. `ends`: of its list after that. */
  freeRcu(name: number, kind: TraceKind, place: Fragment, ends?: ListEnds): void {
    const { page, table } = this.takeLiveOf(name, kind, place);
    page.wait(place.index, table);
    this.counts.frees[kind]++;
    this.teller.free(OP.free, table.mm, kind, table.number, page.pfn, place.index, ends);
  }

  /** The live table at `place` is freed at once; its fragment stays pending until its `endOf`. */
  freeNowPending(name: number, kind: TraceKind, place: Fragment, ends?: ListEnds): void {
    const { page, table } = this.takeLiveOf(name, kind, place);
    table.freed = 'now';
    page.wait(place.index, table);
    this.counts.freesNow[kind]++;
    this.teller.free(OP.freeNow, table.mm, kind, table.number, page.pfn, place.index, ends);
  }

  /** The RCU callback names the table at `place`: its free comes next. */
  announceEnd(kind: TraceKind, place: Fragment): void {
    const page = this.pageOfOurs(place);
    if (page === null) return;
    this.checkFragment(page, kind, place);
    const table = page.firstWaiting(place.index, 'rcu');
    if (table === null) throw this.refusals.endWithoutFree(place);
    table.announced = true;
  }

  /** A free without an mm's name (powerpc): the end of what was announced, else a free at once. */
  freeAnnouncedOrNow(kind: TraceKind, place: Fragment): void {
    const page = this.pageOfOurs(place);
    if (page === null) return;
    this.checkFragment(page, kind, place);
    const waiting = page.firstWaiting(place.index, 'rcu');
    if (waiting?.announced) {
      this.end(page, waiting, place);
      return;
    }
    const { table } = this.takeLive(kind, place);
    this.counts.freesNow[kind]++;
    this.teller.free(OP.freeNow, table.mm, kind, table.number, page.pfn, place.index);
  }

  /** The table at `place` that was freed so has ended; perhaps its page is given back, too. */
  endOf(freed: Freed, kind: TraceKind, place: Fragment, released: boolean): void {
    const page = this.pageOfOurs(place);
    if (page === null) return;
    this.checkFragment(page, kind, place);
    const table = page.firstWaiting(place.index, freed);
    if (table === null) throw this.refusals.endWithoutFree(place);
    this.end(page, table, place);
    if (released) this.giveBack(page);
  }

  /** The kernel has counted down the references of the page `pfn`; at 0 it gives it back. */
  count(
    pfn: number,
    kind: TraceKind,
    left: number,
    op: typeof OP.counted | typeof OP.countedRest,
  ): void {
    const page = this.pages.get(pfn);
    if (page === undefined) {
      if (left === 0) this.counts.foreign++;
      return;
    }
    if (page.kind !== kind) throw this.refusals.wrongKind(page);
    this.teller.counted(op, page.mm, kind, pfn, left);
    if (left === 0) this.giveBack(page);
  }

  /** A reader of lines that name their mm first; those of foreign mms are left out. */
  ours(read: (name: number) => void): () => void {
    return () => {
      const name = this.at.mm(0);
      if (name === FOREIGN) this.counts.foreign++;
      else read(name);
    };
  }

  private takePage(mm: Mm, kind: TraceKind, { page: pfn, index }: Fragment): Page {
    const known = this.pages.get(pfn);
    if (index !== 0) throw this.refusals.pageTakenTwice(pfn, 'does not begin with fragment 0');
    if (known?.held) throw this.refusals.pageTakenTwice(pfn, 'is held already');
    if (known !== undefined) {
      // Only its last ends are late: they are told apart by their fragments' queues.
      known.held = true;
      known.mm = mm;
      return known;
    }
    const page = new Page(pfn, kind, this.header.perPage[kind], mm);
    this.pages.set(pfn, page);
    return page;
  }

  /** Gives the new table's number. */
  private handOut(page: Page, mm: Mm, place: Fragment): number {
    const { index } = place;
    if (page.table(index) !== null) throw this.refusals.doubleAlloc(place);
    if (page.isWaiting(index) && !this.header.form.endsLate) throw this.refusals.reusedEarly(place);
    const table = new Table(this.tables++, mm);
    page.put(index, table);
    mm.tables++;
    this.counts.allocs[page.kind]++;
    return table.number;
  }

  private takeLiveOf(name: number, kind: TraceKind, place: Fragment): Taken {
    const taken = this.takeLive(kind, place);
    if (taken.table.mm !== this.mms.get(name)) throw this.refusals.wrongMm(place, name);
    return taken;
  }

  private takeLive(kind: TraceKind, place: Fragment): Taken {
    const page = this.pages.get(place.page);
    if (page === undefined) throw this.refusals.freeWithoutAlloc(place);
    this.checkFragment(page, kind, place);
    const table = page.table(place.index);
    if (table === null) {
      if (page.isWaiting(place.index)) throw this.refusals.freeTwice(place);
      throw this.refusals.freeWithoutAlloc(place);
    }
    page.take(place.index);
    table.mm.tables--;
    return { page, table };
  }

  private end(page: Page, table: Table, { index }: Fragment): void {
    page.endWait(index, table);
    const isRcu = table.freed === 'rcu';
    if (isRcu) this.counts.ended[page.kind]++;
    this.forgetIfDone(page);
    const op = isRcu ? OP.ended : OP.settled;
    this.teller.end(op, table.mm, page.kind, table.number, page.pfn, index);
  }

  private giveBack(page: Page): void {
    const { endsLate } = this.header.form;
    const inUse = page.live > 0 || (page.waiting > 0 && !endsLate);
    if (inUse || !page.held) {
      const how = inUse ? 'has tables' : 'was given back before';
      throw this.refusals.wrongRelease(page.pfn, how);
    }
    page.held = false;
    this.forgetIfDone(page);
    this.teller.pageReleased(page.mm, page.kind, page.pfn);
  }

  private forgetIfDone(page: Page): void {
    if (!page.held && page.waiting === 0) this.pages.delete(page.pfn);
  }

  /** The page of a fragment; null when it is a foreign one's. */
  private pageOfOurs(place: Fragment): Page | null {
    const page = this.pages.get(place.page);
    if (page !== undefined) return page;
    if (this.header.form.isSequential) throw this.refusals.endWithoutFree(place);
    this.counts.foreign++;
    return null;
  }

  private checkFragment(page: Page, kind: TraceKind, place: Fragment): void {
    if (page.kind !== kind) throw this.refusals.wrongKind(page);
    const perPage = this.header.perPage[kind];
    if (place.index >= perPage) throw this.refusals.noSuchFragment(place, perPage);
  }
}

/** A table that was live, and its page. */
interface Taken {
  readonly page: Page;
  readonly table: Table;
}
