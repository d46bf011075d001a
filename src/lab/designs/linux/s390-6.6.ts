/**
 * s390 in Linux 6.6: 6.1's rule, and tables that are freed behind their readers.
 *
 * Source: commit 8211dad62798, "s390: add pte_free_defer() for pgtables sharing page" (v6.6).
 * khugepaged needs to free a table without a batch to put it in; the page gets a mark, PageActive.
 *
 *   deferred free  the page is marked; then as a free at once
 *   any free       a page with the mark is not put on the list
 *   S is 0         a page with the mark loses it, and is given back after a grace period of its own
 *
 * What a reader of figures should know:
 * - A page in which one table was ever freed in this way is never used again until both halves are
 *   free: the other half holds all of it.
 * - The grace period begins only when both halves are free. If the last one went through RCU, the
 *   page waits for two in a row.
 * - The deferred half is neither A nor P meanwhile: only the mark protects it.
 * - Recordings of 6.1 have no deferred free, so under them this is 6.1's rule to the last page.
 */

import { type How, type RuleEntry, ruleEntry } from './rule.js';
import { type S390Page, S390V61 } from './s390-6.1.js';

const NAME = 's390-6.6';

export class S390V66 extends S390V61 {
  override readonly name: string = NAME;

  override defer(_mm: number, _kind: 0 | 1, table: number): void {
    this.deferAtOnce(table);
  }

  protected override freed(mm: number, page: S390Page, index: number, how: How): void {
    if (how === 'deferred') this.mark(page);
    super.freed(mm, page, index, how);
  }

  private mark(page: S390Page): void {
    this.work(page.kind, 0, 1);
    page.active = true;
  }

  protected override giveBack(page: S390Page): void {
    // The mark is tested and cleared in one atomic operation, set or not.
    this.work(page.kind, 0, 1);
    if (!page.active) {
      this.release(page);
      return;
    }
    page.active = false;
    this.releaseLater(page);
  }

  override describe(page: S390Page): string {
    return super.describe(page) + (page.active ? '*' : '');
  }
}

export const S390_V66: RuleEntry = ruleEntry(NAME, 's390x', () => new S390V66());
