/**
 * The form of a powerpc recording, and what its operations mean. PMD operations have the prefix p.
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
 *
 * The header says how many fragments a page has: Linux decides that at boot (radix or hash), so the
 * architecture's name isn't enough.
 */
import { OP, TRACE_KIND, type TraceKind, WHY } from '../event.js';
import type { Described, Form, FoundLines, RecordReader } from '../form.js';
import { Ledger } from '../ledger.js';
import { Operations } from '../operations.js';
import type { RecordLine } from '../record.js';
import { FRAG } from './frag.js';

/** Fragments per page of the two geometries with 64 KiB pages. */
const GEOMETRIES = [
  { geometry: 'powerpc-radix-64k', perPage: [256, 16] },
  { geometry: 'powerpc-hash-64k', perPage: [16, 4] },
] as const;

const LEVEL_PUD = 2;

export const POWERPC_FRAG: Form = {
  ...FRAG,
  ownLine: { pattern: /\buname=.* ppc64le\b/, shown: 'uname=… ppc64le …' },
  headerLines: {
    fragments: /^# pte fragment bytes=\d+ NR=(\d+) ; pmd fragment bytes=\d+ NR=(\d+)/,
  },
  readHeader,
  begin: (header, at, onEvent): RecordReader => {
    const ledger = new Ledger(header, at, onEvent);
    const { teller, counts } = ledger;
    return { operations: operationsOf(at, ledger), teller, counts };
  },
  endsLate: false,
};

function readHeader({ fragments }: FoundLines, at: RecordLine): Described {
  const found = fragments?.slice(1).map(Number);
  const known = GEOMETRIES.find(
    ({ perPage: [pte, pmd] }) => pte === found?.[0] && pmd === found[1],
  );
  if (known !== undefined) return { ...known, imported: null };
  const expected = GEOMETRIES.map(({ perPage: [pte, pmd] }) => `NR=${pte} and NR=${pmd}`);
  const what =
    found === undefined ? 'no line "# pte fragment …"' : `NR=${found[0]} and ${found[1]}`;
  throw at.refuse('unknown-geometry', what, `${expected.join(', or ')}, in "# pte fragment …"`);
}

function operationsOf(line: RecordLine, ledger: Ledger): Operations {
  const lines = new PowerpcLines(line, ledger);
  const operations = new Operations(ledger)
    .ofMm('I', 1, (mm) => ledger.create(mm))
    .ofMm('E', 1, (mm) => ledger.exit(mm))
    .ofMm('D', 1, (mm) => ledger.destroy(mm))
    .ofMm('R', 3, (mm) => lines.free(mm))
    .define('T', 2, () => lines.announceEnd())
    .skip('a', 'pa', 'M', 'd', 'Q', 'S');
  defineKind(operations, ledger, lines, TRACE_KIND.pte, '');
  defineKind(operations, ledger, lines, TRACE_KIND.pmd, 'p');
  return operations;
}

function defineKind(
  operations: Operations,
  ledger: Ledger,
  lines: PowerpcLines,
  kind: TraceKind,
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

  allocFresh(mm: number, kind: TraceKind): void {
    const usable = this.line.integer(2, 'how many fragments the page will serve');
    const perPage = this.ledger.perPage(kind);
    if (usable !== 1 && usable !== perPage) throw this.line.wrong(2, `${perPage} or 1`);
    this.ledger.allocFresh(mm, kind, this.line.fragment(1), WHY.empty, usable);
  }

  allocAgain(mm: number, kind: TraceKind): void {
    this.ledger.allocAgain(mm, kind, this.line.fragment(1));
  }

  free(mm: number): void {
    const kind = this.level(1);
    if (kind !== null) this.ledger.freeRcu(mm, kind, this.line.fragment(2));
  }

  announceEnd(): void {
    const kind = this.level(0);
    if (kind !== null) this.ledger.announceEnd(kind, this.line.fragment(1));
  }

  freeOrEnd(kind: TraceKind): void {
    this.ledger.freeAnnouncedOrNow(kind, this.line.fragment(0));
  }

  count(kind: TraceKind, op: typeof OP.counted | typeof OP.countedRest): void {
    const pfn = this.line.hex(0, 'a page');
    this.ledger.count(pfn, kind, this.line.integer(1, 'a count'), op);
  }

  /** The kind of a table's level; null for tables that aren't fragments. */
  private level(argument: number): TraceKind | null {
    const level = this.line.integer(argument, 'a level');
    if (level === TRACE_KIND.pte || level === TRACE_KIND.pmd) return level;
    if (level === LEVEL_PUD) return null;
    throw this.line.wrong(argument, 'a level: 0 (PTE), 1 (PMD) or 2 (PUD)');
  }
}
