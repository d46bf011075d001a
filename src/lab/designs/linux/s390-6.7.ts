/**
 * s390 since Linux 6.7: a page for each table, half of it never used.
 *
 * Source: arch/s390/mm/pgalloc.c after commit d08d4e7cd6bf, "s390/mm: use full 4KB page for 2KB
 * PTE" (v6.7). No list, no state, nothing shared.
 *
 *   alloc          a fresh page; the table is its lower half
 *   free at once   the page is given back
 *   free by RCU, deferred free   the page is given back after a grace period
 *
 * What a reader of figures should know:
 * - Half of every page is lost: the price that Linux paid to be rid of the rules of 6.6.
 * - Memory is cleared with every table, since every table is fresh.
 * - It holds less than twice the pages of 6.1 where those were half empty themselves.
 */
import { LinuxPage, LinuxRule, type Miss, type RuleEntry, ruleEntry } from './rule.js';

const NAME = 's390-6.7';

/** How many of a page's tables are allocated: 1, unless a recording says otherwise. */
class TablePage extends LinuxPage {
  tables = 0;
}

export class S390V67 extends LinuxRule<TablePage> {
  readonly name: string = NAME;

  find(): Miss {
    return 'empty';
  }

  protected placed(_mm: number, page: TablePage): void {
    page.tables++;
  }

  protected placedFresh(_mm: number, page: TablePage): number {
    page.tables = 1;
    return 1;
  }

  protected freed(): void {}

  protected ended(page: TablePage): void {
    page.tables--;
    if (page.tables === 0) this.release(page);
  }

  list(): number[] {
    return [];
  }

  ends(): null {
    return null;
  }

  describe({ tables }: TablePage): string {
    return String(tables);
  }

  protected makePage(number: number, kind: 0 | 1): TablePage {
    return new TablePage(number, kind);
  }
}

export const S390_V67: RuleEntry = ruleEntry(NAME, 's390x', () => new S390V67());
