/**
 * What the operations of a powerpc recording mean. PMD operations have the prefix p.
 *
 *   X mm                      miss
 *   N mm frag ref next        pageTaken, alloc (fresh)
 *   H mm frag next            alloc
 *   R mm level frag           free           (level 0 PTE, 1 PMD, 2 PUD: not made of fragments)
 *   T level frag              the RCU callback names a table; its f comes next
 *   f frag                    ended after its T, else freeNow
 *   g pfn count, e pfn count  counted, countedRest; pageReleased when count = 0
 *   I mm, E mm, D mm          create, exit, destroy
 *
 * N's ref is how many fragments the page will serve: all, or 1 when another CPU gave the mm a page
 * first. T and its f are on one CPU, but the table itself is enough to pair them: a fragment is
 * handed out once in the life of its page, so it is live, or waits, or is gone. The counts of g
 * and e may stand in swapped order; only the one that is 0 counts, and it comes after all frees.
 */
import { KIND, type Kind, OP, type Op, WHY } from '../event.js';
import type { Ledger } from '../ledger.js';
import { Operations } from '../operations.js';
import type { RecordLine } from '../record.js';

const LEVEL_PUD = 2;

export function powerpcOperations(line: RecordLine, ledger: Ledger): Operations {
  const lines = new PowerpcLines(line, ledger);
  const operations = new Operations(ledger)
    .ofMm('I', 1, (mm) => ledger.create(mm))
    .ofMm('E', 1, (mm) => ledger.exit(mm))
    .ofMm('D', 1, (mm) => ledger.destroy(mm))
    .ofMm('R', 3, (mm) => lines.free(mm))
    .define('T', 2, () => lines.announceEnd())
    .skip('a', 'pa', 'M', 'd', 'Q', 'S');
  defineKind(operations, ledger, lines, KIND.pte, '');
  defineKind(operations, ledger, lines, KIND.pmd, 'p');
  return operations;
}

function defineKind(
  operations: Operations,
  ledger: Ledger,
  lines: PowerpcLines,
  kind: Kind,
  prefix: '' | 'p',
): void {
  operations
    .ofMm(`${prefix}X`, 1, (mm) => ledger.miss(mm, kind, WHY.empty))
    .ofMm(`${prefix}N`, 4, (mm) => lines.allocFresh(mm, kind))
    .ofMm(`${prefix}H`, 3, (mm) => lines.allocAgain(mm, kind))
    .define(`${prefix}f`, 1, () => lines.freeOrEnd(kind))
    .define(`${prefix}g`, 2, () => lines.count(kind, OP.counted))
    .define(`${prefix}e`, 2, () => lines.count(kind, OP.countedRest));
}

class PowerpcLines {
  private readonly ledger: Ledger;
  private readonly line: RecordLine;

  constructor(line: RecordLine, ledger: Ledger) {
    this.line = line;
    this.ledger = ledger;
  }

  allocFresh(mm: number, kind: Kind): void {
    const usable = this.line.integer(2, 'how many fragments the page will serve');
    const perPage = this.ledger.header.perPage[kind];
    if (usable !== 1 && usable !== perPage) throw this.line.wrong(2, `${perPage} or 1`);
    this.line.fragment(1);
    this.ledger.allocFresh(mm, kind, WHY.empty, usable);
  }

  allocAgain(mm: number, kind: Kind): void {
    this.line.fragment(1);
    this.ledger.allocAgain(mm, kind);
  }

  free(mm: number): void {
    const kind = this.level(1);
    if (kind === null) return;
    this.line.fragment(2);
    this.ledger.freeRcu(mm, kind);
  }

  announceEnd(): void {
    const kind = this.level(0);
    if (kind === null) return;
    this.line.fragment(1);
    this.ledger.announceEnd(kind);
  }

  freeOrEnd(kind: Kind): void {
    this.line.fragment(0);
    this.ledger.freeAnnouncedOrNow(kind);
  }

  count(kind: Kind, op: Op): void {
    const pfn = this.line.hex(0, 'a page');
    this.ledger.count(pfn, kind, this.line.integer(1, 'a count'), op);
  }

  /** The kind of a table's level; null for tables that aren't fragments. */
  private level(argument: number): Kind | null {
    const level = this.line.integer(argument, 'a level');
    if (level === KIND.pte || level === KIND.pmd) return level;
    if (level === LEVEL_PUD) return null;
    throw this.line.wrong(argument, 'a level: 0 (PTE), 1 (PMD) or 2 (PUD)');
  }
}
