/**
 * The mail's own rule, to the letter, on one thread: no free joins a grace period.
 *
 * Source: Jason Gunthorpe, 8 June 2023, Message-ID ZIHeiDf9srvRagfr@ziepe.ca. A fragment is A
 * allocated, C or N waiting for a grace period, F free. Each mm has a list of pages with some A and
 * some F; a page has one head for RCU.
 *
 *   alloc      the lowest F of the list's first page, else of a fresh page, which is listed. A page
 *              without F leaves the list.
 *   free       the head is idle: it is queued, and the fragment is C. Else the fragment is N,
 *              whether the head's grace period has begun or not. A page without A leaves the list.
 *   callback   C to F, N to C. All F: the page is given back. Some A and some F: it is listed, at
 *              the head. Some C: the head is queued again, else it is idle.
 *
 * What a reader of figures should know:
 * - Tables of a page that are freed one after the other wait for two grace periods, but for the
 *   first: ours lets them join the first one's while it has not begun.
 * - Every free goes through RCU, also that of a table which nobody can reach.
 * - With recorded ends a queued head's grace period counts as begun, so there ours is this.
 */
import type { Violation } from '../../core/frag/check.js';
import * as counts from './counts.js';
import { type Counts, PageUse } from './counts.js';
import { type Design, type DesignEntry, type Mode, perPageOf } from './design.js';
import { type ListedPage, PageList } from './linux/page-list.js';

const NAME = 'mail';

const A = 0;
const C = 1;
const N = 2;
const F = 3;

class MailPage extends PageUse implements ListedPage {
  readonly number: number;
  readonly list: PageList<MailPage>;
  readonly states: Uint8Array;
  /** How many fragments are in each state. */
  readonly tally: [a: number, c: number, n: number, f: number];
  /** Those that are C and whose end is recorded already; those that are N. */
  ended = 0;
  endedNext = 0;
  previous: ListedPage | null = null;
  next: ListedPage | null = null;
  listed = false;

  constructor(number: number, kind: 0 | 1, list: PageList<MailPage>, fragments: number) {
    super(kind);
    this.number = number;
    this.list = list;
    this.states = new Uint8Array(fragments).fill(F);
    this.tally = [0, 0, 0, fragments];
  }
}

/** Where a table is. */
interface Place {
  readonly page: MailPage;
  readonly index: number;
}

type Lists = readonly [pte: PageList<MailPage>, pmd: PageList<MailPage>];

export class Mail implements Design {
  readonly name: string = NAME;
  readonly sharing = null;
  /** The mail leaves open how it is done. */
  readonly counts: Counts = counts.emptyCounts(null);
  private readonly perPage: readonly number[];
  private readonly isRecorded: boolean;
  private readonly mms = new Map<number, Lists>();
  private readonly pages = new Set<MailPage>();
  private readonly live = new Map<number, Place>();
  /** recorded: freed tables that have not ended. */
  private readonly ending = new Map<number, Place>();
  private pagesMade = 0;
  /** recorded: pages whose last C may have ended. */
  private ripe: MailPage[] = [];
  /** gp: queued heads, before and after the grace period under way began. */
  private waiting: MailPage[] = [];
  private next: MailPage[] = [];

  /** `perPage`: fragments in a page, by kind. */
  constructor(perPage: readonly number[], mode: Mode) {
    this.perPage = perPage;
    this.isRecorded = mode === 'recorded';
  }

  createMm(mm: number): void {
    this.mms.set(mm, [new PageList(), new PageList()]);
  }

  exitMm(): void {}

  destroyMm(mm: number): void {
    this.mms.delete(mm);
  }

  alloc(mm: number, kind: 0 | 1, table: number): void {
    const list = (this.mms.get(mm) as Lists)[kind];
    const page = list.first ?? this.freshPage(list, kind);
    if (page.tally[F] === page.states.length) counts.noteFresh(this.counts, page);
    else counts.noteReused(this.counts, page);
    const index = page.states.indexOf(F);
    this.live.set(table, { page, index });
    change(page, index, A);
    if (page.tally[F] === 0) list.remove(page);
  }

  private freshPage(list: PageList<MailPage>, kind: 0 | 1): MailPage {
    const fragments = this.perPage[kind] as number;
    const page = new MailPage(this.pagesMade++, kind, list, fragments);
    list.addFirst(page);
    this.pages.add(page);
    return page;
  }

  free(_mm: number, _kind: 0 | 1, table: number): void {
    const place = this.live.get(table) as Place;
    const { page, index } = place;
    this.live.delete(table);
    if (this.isRecorded) this.ending.set(table, place);
    counts.noteFree(this.counts, page);
    const isIdle = page.tally[C] === 0;
    if (isIdle) this.next.push(page);
    change(page, index, isIdle ? C : N);
    if (page.tally[A] === 0) page.list.remove(page);
  }

  defer(mm: number, kind: 0 | 1, table: number): void {
    this.free(mm, kind, table);
  }

  freeNow(mm: number, kind: 0 | 1, table: number): boolean {
    this.free(mm, kind, table);
    return false;
  }

  settled(): void {}
  endMm(): void {}

  end(table: number): void {
    const { page, index } = this.ending.get(table) as Place;
    this.ending.delete(table);
    if (page.states[index] === N) page.endedNext++;
    else if (++page.ended === page.tally[C]) this.ripe.push(page);
  }

  settle(): void {
    if (this.next.length > 0) this.next.length = 0;
    if (this.ripe.length === 0) return;
    for (const page of this.ripe.splice(0)) {
      // What is C now was N, and may have ended, too.
      while (page.ended === page.tally[C] && this.callback(page));
    }
  }

  /** Runs a page's callback. True: its head is queued again. */
  private callback(page: MailPage): boolean {
    const { states, tally } = page;
    this.counts.callbacks[page.kind]++;
    for (let index = 0; index < states.length; index++) {
      if (states[index] === C) change(page, index, F);
      else if (states[index] === N) change(page, index, C);
    }
    page.ended = page.endedNext;
    page.endedNext = 0;
    if (tally[F] === states.length) this.release(page);
    else if (tally[A] > 0 && tally[F] > 0 && !page.listed) page.list.addFirst(page);
    return tally[C] > 0;
  }

  private release(page: MailPage): void {
    this.pages.delete(page);
    counts.noteBack(this.counts, page);
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
    for (const page of this.waiting.splice(0)) if (this.callback(page)) this.next.push(page);
  }

  finish(): Violation[] {
    for (const table of [...this.live.keys()]) this.free(0, 0, table);
    for (const page of this.pages) while (this.callback(page));
    const left = this.counts.pages[0] + this.counts.pages[1];
    return left === 0 ? [] : [{ rule: 'P9', detail: `${left} pages did not come back` }];
  }
}

function change({ states, tally }: MailPage, index: number, to: number): void {
  (tally[states[index] as number] as number)--;
  states[index] = to;
  (tally[to] as number)++;
}

export const MAIL: DesignEntry = {
  name: NAME,
  architecture: null,
  perPageMax: Number.POSITIVE_INFINITY,
  make: ({ geometry, mode }) => new Mail(perPageOf(geometry), mode),
};
