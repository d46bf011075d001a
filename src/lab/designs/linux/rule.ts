/**
 * A rule that Linux had, as plain objects on one thread: what all of them have in common.
 *
 * A rule says where an allocation finds a place (`find`), and what each step does to pages and
 * lists. The two are apart, so that a rule can be driven in two ways. As a design it follows its
 * own finds: `alloc`. Held against a recording it is asked first, and then told what the kernel did
 * (`take`, `takeFresh`), so that one wrong answer is one wrong answer and not a thousand.
 *
 * Pages have numbers: those of the kernel in a recording, else counted from 0.
 */
import type { Violation } from '../../../core/frag/check.js';
import type { Architecture } from '../architecture.js';
import * as counts from '../counts.js';
import { type Counts, PageUse } from '../counts.js';
import { type Design, type DesignEntry, perPageOf } from '../design.js';

/** A fragment that can be handed out. */
export interface Place {
  readonly page: number;
  readonly index: number;
}

/** Why there is none: the mm has nothing to look at, or what the rule looks at is pending. */
export type Miss = 'empty' | 'pending';

export class LinuxPage extends PageUse {
  readonly number: number;
  /** Since 6.6: how many of its deferred tables have not ended; that it waits only for these. */
  deferring = 0;
  draining = false;

  constructor(number: number, kind: 0 | 1) {
    super(kind);
    this.number = number;
  }
}

/** How a table is freed: through RCU, at once, or (since 6.6) at once behind its readers. */
export type How = 'rcu' | 'now' | 'deferred';

interface Table<P> {
  readonly mm: number;
  readonly page: P;
  readonly index: number;
  live: boolean;
}

/** What waits for one grace period. */
interface Batch<P> {
  tables: number[];
  pages: P[];
}

/** A rule as designs/index.ts lists it: the oracle can ask it, too. */
export interface RuleEntry extends DesignEntry {
  /** `perPage`: how many fragments a page has, by kind. */
  readonly makeRule: (perPage: readonly number[]) => LinuxRule<LinuxPage>;
}

export function ruleEntry(
  name: string,
  architecture: Architecture,
  makeRule: RuleEntry['makeRule'],
): RuleEntry {
  const make: RuleEntry['make'] = ({ geometry, mode }) => {
    const rule = makeRule(perPageOf(geometry));
    rule.isRecorded = mode === 'recorded';
    return rule;
  };
  return { name, architecture, perPageMax: Number.POSITIVE_INFINITY, make, makeRule };
}

export abstract class LinuxRule<P extends LinuxPage = LinuxPage> implements Design {
  abstract readonly name: string;
  readonly sharing = null;
  readonly counts: Counts = counts.emptyCounts();
  /** Told the number of each page that is given back. */
  onRelease: ((page: number) => void) | null = null;

  /** A free at once has two steps, and a state between. */
  protected readonly settles: boolean = false;

  /** Grace periods end as recorded: a page waits for the ends of its deferred tables. */
  isRecorded = false;

  private readonly pages = new Map<number, P>();
  /** recorded: pages of deferred tables that have not ended, by table. */
  private readonly deferred = new Map<number, P>();
  private readonly tables = new Map<number, Table<P>>();
  private readonly mms = new Set<number>();
  private pagesNumbered = 0;
  private waiting: Batch<P> = { tables: [], pages: [] };
  private next: Batch<P> = { tables: [], pages: [] };

  /** Where an allocation would be put now. Changes nothing. */
  abstract find(mm: number, kind: 0 | 1): Place | Miss;
  /** The pages that the mm allocates from, the next one first. */
  abstract list(mm: number, kind: 0 | 1): number[];
  /** The ends of that list; null when it is empty. */
  abstract ends(mm: number, kind: 0 | 1): readonly [first: number, last: number] | null;
  /** What is in the page, in the rule's own notation. */
  abstract describe(page: P): string;

  protected abstract makePage(number: number, kind: 0 | 1): P;
  /** A fragment is handed out, from a page that the mm has. */
  protected abstract placed(mm: number, page: P, index: number): void;
  /** Fragment 0 of a fresh page is handed out. Returns how many it will ever serve. */
  protected abstract placedFresh(mm: number, page: P): number;
  protected abstract freed(mm: number, page: P, index: number, how: How): void;
  /** The grace period is over, or the second half of freeing at once. */
  protected abstract ended(page: P, index: number): void;

  createMm(mm: number): void {
    this.mms.add(mm);
  }

  destroyMm(mm: number): void {
    this.mms.delete(mm);
  }

  exitMm(_mm: number): void {}
  endMm(): void {}

  alloc(mm: number, kind: 0 | 1, table: number): void {
    const found = this.find(mm, kind);
    if (typeof found !== 'string') this.take(mm, table, found);
    else {
      if (found === 'pending' && this.hasUsable(mm)) this.counts.blocked[kind]++;
      this.takeFresh(mm, kind, table, this.pagesNumbered++);
    }
  }

  /** Hands out a place, whether the rule would or not. */
  take(mm: number, table: number, { page: number, index }: Place): void {
    const page = this.page(number);
    counts.noteReused(this.counts, page);
    this.tables.set(table, { mm, page, index, live: true });
    this.placed(mm, page, index);
  }

  /** Hands out the first fragment of a fresh page of that number. */
  takeFresh(mm: number, kind: 0 | 1, table: number, number: number): number {
    const page = this.makePage(number, kind);
    this.pages.set(number, page);
    counts.noteFresh(this.counts, page);
    this.tables.set(table, { mm, page, index: 0, live: true });
    return this.placedFresh(mm, page);
  }

  free(_mm: number, _kind: 0 | 1, table: number): void {
    this.freeAs(table, 'rcu');
    this.next.tables.push(table);
  }

  freeNow(_mm: number, _kind: 0 | 1, table: number): boolean {
    this.freeAs(table, 'now');
    if (!this.settles) this.finishFree(table);
    return true;
  }

  settled(table: number): void {
    if (this.settles) this.finishFree(table);
  }

  /** A rule from before there was such a thing has a batch for every table. */
  defer(mm: number, kind: 0 | 1, table: number): void {
    this.free(mm, kind, table);
  }

  /** What 6.6 does: at once, behind readers that the page's own grace period waits for. */
  protected deferAtOnce(table: number): void {
    const page = this.freeAs(table, 'deferred');
    if (this.isRecorded) {
      page.deferring++;
      this.deferred.set(table, page);
    }
    this.finishFree(table);
  }

  end(table: number): void {
    const page = this.deferred.get(table);
    if (page === undefined) {
      this.counts.callbacks[this.finishFree(table).kind]++;
      return;
    }
    this.deferred.delete(table);
    if (--page.deferring === 0 && page.draining) this.next.pages.push(page);
  }

  /** A page that waits for a second grace period is not held up by it: see docs/replay.md. */
  settle(): void {
    const { tables, pages } = this.next;
    if (tables.length > 0) tables.length = 0;
    if (pages.length === 0) return;
    // What still has deferred tables that wait comes here again with the last one's end.
    for (const page of pages.splice(0)) if (page.deferring === 0) this.releaseByRcu(page);
  }

  wantsGrace(): boolean {
    return this.next.tables.length + this.next.pages.length > 0;
  }

  beginGrace(): void {
    this.waiting = this.next;
    this.next = { tables: [], pages: [] };
  }

  endGrace(): void {
    const { tables, pages } = this.waiting;
    this.waiting = { tables: [], pages: [] };
    this.counts.gracePeriods++;
    for (const table of tables) this.end(table);
    for (const page of pages) this.releaseByRcu(page);
  }

  /** What is in a page of that number; '' when it is not held. */
  describePage(number: number): string {
    const page = this.pages.get(number);
    return page === undefined ? '' : this.describe(page);
  }

  finish(): Violation[] {
    for (const [table, { live }] of [...this.tables]) if (live) this.freeAs(table, 'rcu');
    for (const table of [...this.tables.keys()]) this.finishFree(table);
    for (const mm of this.mms) this.exitMm(mm);
    for (const page of [...this.pages.values()]) if (page.draining) this.release(page);
    const left = this.counts.pages[0] + this.counts.pages[1];
    return left === 0 ? [] : [{ rule: 'P9', detail: `${left} pages did not come back` }];
  }

  protected release(page: P): void {
    this.pages.delete(page.number);
    counts.noteBack(this.counts, page);
    this.onRelease?.(page.number);
  }

  /** The page goes back after a grace period of its own. */
  protected releaseLater(page: P): void {
    page.draining = true;
    this.next.pages.push(page);
  }

  private releaseByRcu(page: P): void {
    this.counts.callbacks[page.kind]++;
    this.release(page);
  }

  /** Whether the mm has a page that could be used if the rule looked further. */
  protected hasUsable(_mm: number): boolean {
    return false;
  }

  /** The rule takes locks, and does atomic operations besides. */
  protected work(kind: 0 | 1, locks: number, atomics: number): void {
    (this.counts.locks as counts.Work)[kind] += locks;
    (this.counts.atomics as counts.Work)[kind] += atomics;
  }

  private page(number: number): P {
    const page = this.pages.get(number);
    if (page === undefined) throw new Error(`page ${number} is not held`);
    return page;
  }

  private freeAs(table: number, how: How): P {
    const record = this.tables.get(table) as Table<P>;
    record.live = false;
    counts.noteFree(this.counts, record.page);
    this.freed(record.mm, record.page, record.index, how);
    return record.page;
  }

  private finishFree(table: number): P {
    const { page, index } = this.tables.get(table) as Table<P>;
    this.tables.delete(table);
    this.ended(page, index);
    return page;
  }
}
