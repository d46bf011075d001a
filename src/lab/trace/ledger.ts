/**
 * From what a recording's lines say to events, with the identity of every table kept.
 *
 * The importers of the architectures know operations and arguments; the ledger knows what is live
 * and what waits, gives out the dense numbers, and refuses a line that contradicts the lines
 * before it.
 *
 * Mms that are older than the recording (`pN`) are left out, and their tables with them. Lines
 * that name such an mm are easy. The others (ends, releases) name only a page; one that no mm of
 * the trace took is theirs, and the line is counted as foreign. No recording that we know has even
 * one such line: what has been seen of a pN is its destruction. A strictly sequential file has no
 * foreign tables at all, so there the same line is an error.
 */

import { emptyCounts, type TraceCounts } from './counts.js';
import {
  emptyEvent,
  KIND,
  type Kind,
  NO_END,
  OP,
  type Op,
  type TraceEvent,
  type TraceHeader,
  WHY,
  type Why,
} from './event.js';
import { type Mm, Mms } from './mms.js';
import { type Freed, Page, Table } from './pages.js';
import { FOREIGN, type RecordLine } from './record.js';

const NO_TABLE = -1;
const NO_PAGE = -1;

type OnEvent = (event: TraceEvent) => void;

export class Ledger {
  readonly event: TraceEvent;
  readonly counts: TraceCounts;
  readonly header: TraceHeader;

  private readonly at: RecordLine;
  private readonly onEvent: OnEvent;
  private readonly mms: Mms;
  private readonly pages = new Map<number, Page>();
  private tables = 0;
  /** s390 writes its ends outside the lock: a frag file can have them late. */
  private readonly endsLate: boolean;

  constructor(header: TraceHeader, at: RecordLine, onEvent: OnEvent) {
    this.header = header;
    this.at = at;
    this.onEvent = onEvent;
    this.mms = new Mms(at);
    this.endsLate = header.architecture === 's390x' && header.form === 'frag';
    this.event = emptyEvent();
    this.counts = emptyCounts();
  }

  create(name: number): void {
    this.event.name = name;
    this.emitMm(OP.create, this.mms.create(name));
    this.counts.mms++;
  }

  exit(name: number): void {
    this.emitMm(OP.exit, this.mms.get(name));
  }

  destroy(name: number): void {
    this.emitMm(OP.destroy, this.mms.destroy(name));
  }

  miss(name: number, kind: Kind, why: Why, since = 0): void {
    const mm = this.mms.get(name);
    this.event.why = why;
    this.event.since = since;
    this.emit(OP.miss, mm, kind, NO_TABLE, NO_PAGE, 0);
    this.event.why = WHY.unknown;
    this.event.since = 0;
  }

  /** The page of `at.fragment()` is taken for an mm, and its first fragment handed out. */
  allocFresh(name: number, kind: Kind, why: Why, usable: number): void {
    const mm = this.mms.get(name);
    const page = this.takePage(mm, kind);
    this.event.why = why;
    this.event.usable = usable;
    this.emit(OP.pageTaken, mm, kind, NO_TABLE, page.pfn, 0);
    this.event.fresh = true;
    this.counts.fresh[kind]++;
    this.handOut(page, mm);
    this.event.fresh = false;
    this.event.why = WHY.unknown;
    this.event.usable = 0;
  }

  /** The fragment of `at.fragment()` is handed out, from a page that the mm has. */
  allocAgain(name: number, kind: Kind): void {
    const mm = this.mms.get(name);
    const page = this.pages.get(this.at.page);
    if (page === undefined || !page.held) {
      const found = `page ${this.at.page.toString(16)} is not held for any mm`;
      throw this.at.refuse('page-not-held', found, 'an N that takes the page before');
    }
    this.checkFragment(page, kind);
    if (page.mm !== mm) throw this.wrongMm(name);
    this.handOut(page, mm);
  }

  /** What the next free leaves as the ends of its mm's list. */
  listEnds(first: number, last: number): void {
    this.event.first = first;
    this.event.last = last;
  }

  /** The live table at `at.fragment()` is freed through RCU by an mm. */
  freeRcu(name: number, kind: Kind): void {
    const { page, table } = this.takeLive(kind);
    if (table.mm !== this.mms.get(name)) throw this.wrongMm(name);
    page.wait(this.at.index, table);
    this.counts.frees[kind]++;
    this.emit(OP.free, table.mm, kind, table.number, page.pfn, this.at.index);
    this.listEnds(NO_END.unknown, NO_END.unknown);
  }

  /** The live table at `at.fragment()` is freed at once; its fragment stays pending until G. */
  freeNowPending(name: number, kind: Kind): void {
    const { page, table } = this.takeLive(kind);
    if (table.mm !== this.mms.get(name)) throw this.wrongMm(name);
    table.freed = 'now';
    page.wait(this.at.index, table);
    this.counts.freesNow[kind]++;
    this.emit(OP.freeNow, table.mm, kind, table.number, page.pfn, this.at.index);
    this.listEnds(NO_END.unknown, NO_END.unknown);
  }

  /** The RCU callback names the table at `at.fragment()`: its free comes next. */
  announceEnd(kind: Kind): void {
    const page = this.pageOfOurs();
    if (page === null) return;
    this.checkFragment(page, kind);
    const table = page.firstWaiting(this.at.index, 'rcu');
    if (table === null) throw this.endWithoutFree();
    table.announced = true;
  }

  /** A free without an mm's name (powerpc): the end of what was announced, else a free at once. */
  freeAnnouncedOrNow(kind: Kind): void {
    const page = this.pageOfOurs();
    if (page === null) return;
    this.checkFragment(page, kind);
    const waiting = page.firstWaiting(this.at.index, 'rcu');
    if (waiting?.announced) {
      this.end(page, waiting);
      return;
    }
    const { table } = this.takeLive(kind);
    this.counts.freesNow[kind]++;
    this.emit(OP.freeNow, table.mm, kind, table.number, page.pfn, this.at.index);
  }

  /** A table that was freed at `at.fragment()` has ended; perhaps its page is given back, too. */
  endOf(freed: Freed, kind: Kind, released: boolean): void {
    const page = this.pageOfOurs();
    if (page === null) return;
    this.checkFragment(page, kind);
    const table = page.firstWaiting(this.at.index, freed);
    if (table === null) throw this.endWithoutFree();
    this.end(page, table);
    if (released) this.giveBack(page);
  }

  /** The kernel has counted down the references of the page `pfn`; at 0 it gives it back. */
  count(pfn: number, kind: Kind, left: number, op: Op): void {
    const page = this.pages.get(pfn);
    if (page === undefined) {
      if (left === 0) this.counts.foreign++;
      return;
    }
    this.checkKind(page, kind);
    this.event.count = left;
    this.emit(op, page.mm, kind, NO_TABLE, pfn, 0);
    this.event.count = 0;
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

  private takePage(mm: Mm, kind: Kind): Page {
    const { page: pfn, index } = this.at;
    const known = this.pages.get(pfn);
    if (known?.held || index !== 0) {
      const found = index === 0 ? 'is held already' : 'does not begin with fragment 0';
      const message = `fresh page ${pfn.toString(16)} ${found}`;
      throw this.at.refuse('page-taken-twice', message, 'fragment 0 of a page that is free');
    }
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

  private handOut(page: Page, mm: Mm): void {
    const index = this.at.index;
    if (page.table(index) !== null) {
      throw this.at.refuse('double-alloc', this.named('is allocated'), 'a fragment that is free');
    }
    if (page.isWaiting(index) && !this.endsLate) {
      const found = this.named('waits for its end');
      throw this.at.refuse('reused-early', found, 'the end of its last table before');
    }
    const table = new Table(this.tables++, mm);
    page.put(index, table);
    mm.tables++;
    this.counts.allocs[page.kind]++;
    this.emit(OP.alloc, mm, page.kind, table.number, page.pfn, index);
  }

  private takeLive(kind: Kind): { page: Page; table: Table } {
    const page = this.pages.get(this.at.page);
    if (page === undefined) throw this.freeWithoutAlloc();
    this.checkFragment(page, kind);
    const table = page.table(this.at.index);
    if (table === null) {
      if (!page.isWaiting(this.at.index)) throw this.freeWithoutAlloc();
      throw this.at.refuse('free-twice', this.named('is freed again'), 'one free of each table');
    }
    page.take(this.at.index);
    table.mm.tables--;
    return { page, table };
  }

  private end(page: Page, table: Table): void {
    page.endWait(this.at.index, table);
    const isRcu = table.freed === 'rcu';
    if (isRcu) this.counts.ended[page.kind]++;
    this.forgetIfDone(page);
    const op = isRcu ? OP.ended : OP.settled;
    this.emit(op, table.mm, page.kind, table.number, page.pfn, this.at.index);
  }

  private giveBack(page: Page): void {
    const inUse = page.live > 0 || (page.waiting > 0 && !this.endsLate);
    if (inUse || !page.held) {
      const found = inUse ? 'has tables' : 'was given back before';
      const message = `page ${page.pfn.toString(16)} is given back and ${found}`;
      throw this.at.refuse('wrong-release', message, 'the release of a held page without tables');
    }
    page.held = false;
    this.forgetIfDone(page);
    this.emit(OP.pageReleased, page.mm, page.kind, NO_TABLE, page.pfn, 0);
  }

  private forgetIfDone(page: Page): void {
    if (!page.held && page.waiting === 0) this.pages.delete(page.pfn);
  }

  /** The page of `at.fragment()`; null when it is a foreign one's. */
  private pageOfOurs(): Page | null {
    const page = this.pages.get(this.at.page);
    if (page !== undefined) return page;
    if (this.header.form === 'canon') throw this.endWithoutFree();
    this.counts.foreign++;
    return null;
  }

  private checkFragment(page: Page, kind: Kind): void {
    this.checkKind(page, kind);
    const perPage = this.header.perPage[kind];
    if (this.at.index < perPage) return;
    const found = `fragment ${this.at.index} of a page with ${perPage}`;
    throw this.at.refuse('bad-line', found, `an index below ${perPage}`);
  }

  private checkKind(page: Page, kind: Kind): void {
    if (page.kind === kind) return;
    const name = page.kind === KIND.pte ? 'PTE' : 'PMD';
    const found = `page ${page.pfn.toString(16)} holds ${name} tables`;
    throw this.at.refuse('wrong-kind', found, `an operation on ${name} tables`);
  }

  private named(what: string): string {
    return `${this.at.page.toString(16)}.${this.at.index} ${what}`;
  }

  private freeWithoutAlloc(): Error {
    const found = this.named('is not allocated and is freed');
    return this.at.refuse('free-without-alloc', found, 'its allocation before');
  }

  private endWithoutFree(): Error {
    const found = this.named('ends and no free waits for it');
    return this.at.refuse('end-without-free', found, 'its free before');
  }

  private wrongMm(name: number): Error {
    const found = this.named(`belongs to another mm than m${name}`);
    return this.at.refuse('wrong-mm', found, 'the mm that allocated it');
  }

  private emitMm(op: Op, mm: Mm): void {
    this.emit(op, mm, KIND.pte, NO_TABLE, NO_PAGE, 0);
  }

  private emit(op: Op, mm: Mm, kind: Kind, table: number, page: number, index: number): void {
    const event = this.event;
    event.op = op;
    event.mm = mm.index;
    event.kind = kind;
    event.table = table;
    event.page = page;
    event.index = index;
    this.onEvent(event);
  }
}
