/**
 * powerpc until Linux 6.6: up to 256 tables in a page, no freed fragment used again.
 *
 * Source: arch/powerpc/mm/pgtable-frag.c, mm/book3s64/pgtable.c and mmu_context.c of 6.1.192. For
 * each of PTE and PMD an mm has a cursor, the next fragment of its current page that was never
 * used, and a page has a count of references (pt_frag_refcount): its fragments that are in use or
 * were never handed out. NR is how many fit in a page.
 *
 *   alloc          a cursor: that fragment, and the cursor moves on, at the page's end to none.
 *                  Else a fresh page, its fragment 0. Still no cursor: it becomes this page's
 *                  fragment 1 and the count NR. Meanwhile another CPU has set one: the count is 1.
 *   free at once   the count goes down. At 0 the page is given back.
 *   end            the same: a free through RCU does nothing before.
 *   exit           before the mm's tables are freed, the fragments behind the cursor leave the
 *                  count. At 0 the page is given back.
 *
 * What a reader of figures should know:
 * - There is no list of pages and no free fragment: one live table holds its page for ever.
 * - The loser of the race for a fresh page wastes NR-1 fragments.
 * - Memory is cleared once, when the page is fresh; that is enough because nothing is used twice.
 * - With one fragment in a page (NR 1) the cursor is never set.
 *
 * Counted: the lock once to ask the cursor, and again with a fresh page, but neither where NR is 1;
 * the count goes down by an atomic subtraction, once for each table and once for a cursor at exit.
 */
import {
  type How,
  LinuxPage,
  LinuxRule,
  type Miss,
  type Place,
  type RuleEntry,
  ruleEntry,
} from './rule.js';

const NAME = 'powerpc-6.1';

export class PowerpcPage extends LinuxPage {
  references = 0;
  /** Since 6.6: a deferred free was in this page. */
  active = false;
}

/** The next fragment that was never used. */
interface Cursor {
  readonly page: PowerpcPage;
  index: number;
}

type Cursors = [pte: Cursor | null, pmd: Cursor | null];

export class PowerpcV61 extends LinuxRule<PowerpcPage> {
  readonly name: string = NAME;
  private readonly perPage: readonly number[];
  private readonly cursors = new Map<number, Cursors>();

  /** `perPage`: NR of each kind. */
  constructor(perPage: readonly number[]) {
    super();
    this.perPage = perPage;
  }

  override createMm(mm: number): void {
    super.createMm(mm);
    this.cursors.set(mm, [null, null]);
  }

  override destroyMm(mm: number): void {
    super.destroyMm(mm);
    this.cursors.delete(mm);
  }

  find(mm: number, kind: 0 | 1): Place | Miss {
    const cursor = this.cursorsOf(mm)[kind];
    return cursor === null ? 'empty' : { page: cursor.page.number, index: cursor.index };
  }

  protected placed(mm: number, page: PowerpcPage, index: number): void {
    this.work(page.kind, 1, 0);
    this.setCursor(mm, page, index + 1);
  }

  protected placedFresh(mm: number, page: PowerpcPage): number {
    this.work(page.kind, this.fragments(page.kind) > 1 ? 2 : 0, 0);
    const isLate = this.cursorsOf(mm)[page.kind] !== null;
    page.references = isLate ? 1 : this.fragments(page.kind);
    if (!isLate) this.setCursor(mm, page, 1);
    return page.references;
  }

  protected freed(_mm: number, _page: PowerpcPage, _index: number, _how: How): void {}

  protected ended(page: PowerpcPage): void {
    this.work(page.kind, 0, 1);
    page.references--;
    if (page.references === 0) this.giveBack(page);
  }

  protected giveBack(page: PowerpcPage): void {
    this.release(page);
  }

  override exitMm(mm: number): void {
    const cursors = this.cursorsOf(mm);
    for (const cursor of cursors) {
      if (cursor === null) continue;
      const { page, index } = cursor;
      cursors[page.kind] = null;
      this.work(page.kind, 0, 1);
      page.references -= this.fragments(page.kind) - index;
      if (page.references === 0) this.release(page);
    }
  }

  private setCursor(mm: number, page: PowerpcPage, index: number): void {
    const isAtEnd = index === this.fragments(page.kind);
    this.cursorsOf(mm)[page.kind] = isAtEnd ? null : { page, index };
  }

  list(mm: number, kind: 0 | 1): number[] {
    const cursor = this.cursorsOf(mm)[kind];
    return cursor === null ? [] : [cursor.page.number];
  }

  ends(): null {
    return null;
  }

  /** The count of references. */
  describe({ references }: PowerpcPage): string {
    return String(references);
  }

  protected makePage(number: number, kind: 0 | 1): PowerpcPage {
    return new PowerpcPage(number, kind);
  }

  protected fragments(kind: 0 | 1): number {
    return this.perPage[kind] as number;
  }

  private cursorsOf(mm: number): Cursors {
    return this.cursors.get(mm) as Cursors;
  }
}

export const POWERPC_V61: RuleEntry = ruleEntry(
  NAME,
  'ppc64le',
  (perPage) => new PowerpcV61(perPage),
);
