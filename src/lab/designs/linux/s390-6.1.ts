/**
 * s390 until Linux 6.6: two tables in a page, freed halves used again.
 *
 * Source: arch/s390/mm/pgalloc.c of 6.1.192 (the same text up to 6.5-rc1). What a page is in is one
 * byte, S: bits 0 and 1, the lower and upper half is allocated (A); bits 4 and 5, it is pending
 * (P). A half is never both. Each mm has a list of pages.
 *
 *   alloc          the first page of the list, and no other: a half that is neither A nor P. None
 *                  (list empty, or S of the first is 12 or 21): a fresh page, its lower half; the
 *                  page goes to the head. A page whose second half is handed out leaves the list.
 *   free at once   A to P. The other half A: to the head. Else off the list. Then P is cleared.
 *   free by RCU    A to P. The other half A: to the tail. Else off the list. P stays.
 *   end            P is cleared. S is 0: the page is given back.
 *
 * Why the two ends: alloc looks at the first page only. What was freed at once can be used at once,
 * so it goes where it is seen; what is pending would block the head, so it goes behind.
 *
 * What a reader of figures should know:
 * - A pending head blocks: usable pages behind it are not looked at, and a fresh page is taken.
 *   Nothing moves a page when its P is cleared.
 * - P is set and cleared also by a free at once: between the two an alloc on another CPU sees a
 *   blocked head.
 * - P and the release of a page are not under the mm's lock, the list and A are.
 * - Memory is cleared when a page is fresh, both halves, and never again: a freed table is empty.
 * - Two allocs that both find nothing each take a page, and both pages are listed.
 *
 * Counted: the lock once for each alloc and free, and again to list a fresh page; S is changed by
 * an atomic exclusive-or, once for an alloc, twice for a free (A to P, P cleared).
 */
import { type ListedPage, PageList } from './page-list.js';
import {
  type How,
  LinuxPage,
  LinuxRule,
  type Miss,
  type Place,
  type RuleEntry,
  ruleEntry,
} from './rule.js';

const NAME = 's390-6.1';

export class S390Page extends LinuxPage implements ListedPage {
  previous: ListedPage | null = null;
  next: ListedPage | null = null;
  listed = false;
  /** Two bits each, bit 0 the lower half. */
  allocated = 0;
  pending = 0;
  /** Since 6.6: a deferred free was in this page. */
  active = false;
}

const BOTH = 3;
const USABLE = 2;

export class S390V61 extends LinuxRule<S390Page> {
  readonly name: string = NAME;
  protected override readonly settles = true;
  private readonly lists = new Map<number, PageList<S390Page>>();

  override createMm(mm: number): void {
    super.createMm(mm);
    this.lists.set(mm, new PageList());
  }

  override destroyMm(mm: number): void {
    super.destroyMm(mm);
    this.lists.delete(mm);
  }

  find(mm: number): Place | Miss {
    const { first } = this.listOf(mm);
    return first === null ? 'empty' : this.placeIn(first);
  }

  protected placeIn({ number, allocated, pending }: S390Page): Place | 'pending' {
    const busy = allocated | pending;
    return busy === BOTH ? 'pending' : { page: number, index: busy & 1 };
  }

  /** P has been cleared of pages behind the first: nothing moves them. */
  protected override hasUsable(mm: number): boolean {
    let page = this.listOf(mm).first;
    while (page !== null && this.placeIn(page) === 'pending') page = page.next as S390Page | null;
    return page !== null;
  }

  protected placed(mm: number, page: S390Page, index: number): void {
    this.work(page.kind, 1, 1);
    page.allocated |= 1 << index;
    this.listOf(mm).remove(page);
  }

  protected placedFresh(mm: number, page: S390Page): number {
    this.work(page.kind, 2, 1);
    page.allocated = 1;
    this.listOf(mm).addFirst(page);
    return USABLE;
  }

  protected freed(mm: number, page: S390Page, index: number, how: How): void {
    this.work(page.kind, 1, 1);
    page.allocated &= ~(1 << index);
    page.pending |= 1 << index;
    const list = this.listOf(mm);
    if (page.allocated !== 0 && !page.active) this.enlist(list, page, how);
    else list.remove(page);
  }

  protected enlist(list: PageList<S390Page>, page: S390Page, how: How): void {
    if (how === 'rcu') list.addLast(page);
    else list.addFirst(page);
  }

  protected ended(page: S390Page, index: number): void {
    this.work(page.kind, 0, 1);
    page.pending &= ~(1 << index);
    if (page.allocated + page.pending === 0) this.giveBack(page);
  }

  protected giveBack(page: S390Page): void {
    this.release(page);
  }

  list(mm: number): number[] {
    return this.listOf(mm).numbers();
  }

  ends(mm: number): readonly [first: number, last: number] | null {
    const { first, last } = this.listOf(mm);
    return first === null || last === null ? null : [first.number, last.number];
  }

  /** S in hexadecimal. */
  describe({ allocated, pending }: S390Page): string {
    return `${pending}${allocated}`;
  }

  protected makePage(number: number, kind: 0 | 1): S390Page {
    return new S390Page(number, kind);
  }

  protected listOf(mm: number): PageList<S390Page> {
    return this.lists.get(mm) as PageList<S390Page>;
  }
}

export const S390_V61: RuleEntry = ruleEntry(NAME, 's390x', () => new S390V61());
