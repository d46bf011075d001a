/**
 * powerpc since Linux 6.6: 6.1's rule, and tables that are freed behind their readers.
 *
 * Source: commit 32cc0b7c9d50, "powerpc: add pte_free_defer() for pgtables sharing page" (v6.6).
 * The page gets a mark, PageActive.
 *
 *   deferred free  the page is marked; then as a free at once
 *   the count is 0 a page with the mark is given back after a grace period of its own
 *   exit           gives the page back at once, marked or not
 *
 * What a reader of figures should know:
 * - Nothing more is needed because no fragment is used twice: only the page's return must wait.
 * - An exit that brings the count to 0 did not clear the mark, which the kernel reported as a bad
 *   page; found in March 2026. The fix clears it, and still waits for no grace period.
 * - Recordings of 6.1 have no deferred free, so under them this is 6.1's rule to the last page.
 */
import { type PowerpcPage, PowerpcV61 } from './powerpc-6.1.js';
import { type How, type RuleEntry, ruleEntry } from './rule.js';

const NAME = 'powerpc-6.6';

export class PowerpcV66 extends PowerpcV61 {
  override readonly name: string = NAME;

  override defer(_mm: number, _kind: 0 | 1, table: number): void {
    this.deferAtOnce(table);
  }

  protected override freed(_mm: number, page: PowerpcPage, _index: number, how: How): void {
    if (how !== 'deferred') return;
    this.work(page.kind, 0, 1);
    page.active = true;
  }

  protected override giveBack(page: PowerpcPage): void {
    // The mark is tested and cleared in one atomic operation, set or not.
    this.work(page.kind, 0, 1);
    if (page.active) this.releaseLater(page);
    else this.release(page);
  }

  override describe(page: PowerpcPage): string {
    return super.describe(page) + (page.active ? '*' : '');
  }
}

export const POWERPC_V66: RuleEntry = ruleEntry(
  NAME,
  'ppc64le',
  (perPage) => new PowerpcV66(perPage),
);
