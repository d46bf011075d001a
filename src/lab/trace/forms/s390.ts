/**
 * What the operations of an s390 recording mean.
 *
 *   frag                           canon                     event
 *   X mm head|-                    X mm e|p                  miss
 *   N mm frag head                 N mm frag [*]             pageTaken, alloc (fresh)
 *   H mm frag old new              H mm frag                 alloc
 *   R mm frag byte head tail va    R mm frag va              free
 *   F mm frag byte head tail       F mm frag                 freeNow
 *   U frag old new                 U frag rel                ended;   new = 00, rel = 1: and
 *   G frag old new                 G frag rel                settled;     pageReleased
 *   I mm, E mm, D mm               I mm, D mm                create, exit, destroy
 *
 * An allocation that goes for a fresh page is two lines, X (the decision) and N (the page), and
 * other threads can come between. A frag line says whose it is (pid). A canon line doesn't; there
 * an N is taken for the mm's newest X, because a thread that is overtaken tends to stay behind. In
 * the recording with most races this is wrong for 2 of 20,867 pages (the oldest: for 16). It only
 * matters to an alloc's `why`: the miss events stand where the kernel decided, with its reason.
 */
import { KIND, NO_END, type TraceHeader, WHY, type Why } from '../event.js';
import type { Ledger } from '../ledger.js';
import { Operations } from '../operations.js';
import type { Freed } from '../pages.js';
import type { RecordLine } from '../record.js';

/** Both fragments of a fresh page can be handed out. */
const USABLE = 2;

/** The two bits of the lower half in a state byte: allocated, pending. */
const HALF = 0x11;

/** A frag line's pid, counted as an argument: it stands two fields before the operation. */
const PID_ARGUMENT = -3;

export function s390Operations(
  form: TraceHeader['form'],
  line: RecordLine,
  ledger: Ledger,
): Operations {
  const operations = form === 'canon' ? canonOperations : fragOperations;
  return operations(line, ledger, new S390Lines(line, ledger));
}

function canonOperations(line: RecordLine, ledger: Ledger, lines: S390Lines): Operations {
  const allocFresh = (mm: number): void => {
    if (line.arguments > 2 && !line.is(2, '*')) throw line.wrong(2, '* or nothing');
    lines.allocFresh(mm, mm);
  };
  return lifeOperations(ledger)
    .ofMm('X', 2, (mm) => lines.miss(mm, mm, readWhy(line)))
    .ofMm('N', 2, allocFresh, 3)
    .ofMm('H', 2, (mm) => lines.allocAgain(mm))
    .ofMm('R', 3, (mm) => lines.free(mm))
    .ofMm('F', 2, (mm) => lines.freeNow(mm))
    .define('U', 2, () => lines.endOf('rcu', readReleased(line)))
    .define('G', 2, () => lines.endOf('now', readReleased(line)));
}

function fragOperations(line: RecordLine, ledger: Ledger, lines: S390Lines): Operations {
  const pid = (): number => line.integer(PID_ARGUMENT, 'a pid');
  const why = (): Why => (line.is(1, '-') ? WHY.empty : WHY.pending);
  const released = (): boolean => line.hex(2, 'the state byte after') === 0;
  return lifeOperations(ledger)
    .define('a', 1, () => lines.begin(pid()))
    .ofMm('X', 2, (mm) => lines.miss(mm, pid(), why()), 3)
    .ofMm('N', 3, (mm) => lines.allocFresh(mm, pid()))
    .ofMm('H', 4, (mm) => lines.allocSeen(mm))
    .ofMm('R', 6, (mm) => lines.withEnds().free(mm))
    .ofMm('F', 5, (mm) => lines.withEnds().freeNow(mm))
    .define('U', 3, () => lines.endOf('rcu', released()))
    .define('G', 3, () => lines.endOf('now', released()))
    .ofMm('E', 1, (mm) => ledger.exit(mm))
    .skip('f', 'T', 'T4', 'TC', 'P', 'Q', 'S')
    .skip('N4', 'R4', 'ci', 'C', 'CF', 'pm');
}

function lifeOperations(ledger: Ledger): Operations {
  return new Operations(ledger)
    .ofMm('I', 1, (mm) => ledger.create(mm))
    .ofMm('D', 1, (mm) => ledger.destroy(mm));
}

/** What both forms do with a line, once its own way to say things is read. */
class S390Lines {
  private readonly ledger: Ledger;
  private readonly line: RecordLine;
  /** Decisions for a fresh page that hasn't come yet, newest last: by pid (frag) or mm (canon). */
  private readonly decisions = new Map<number, Why[]>();
  /** frag: the line in which each pid's newest allocation began. */
  private readonly begun = new Map<number, number>();

  constructor(line: RecordLine, ledger: Ledger) {
    this.line = line;
    this.ledger = ledger;
  }

  begin(who: number): void {
    this.begun.set(who, this.line.line);
  }

  miss(mm: number, who: number, why: Why): void {
    const open = this.decisions.get(who);
    if (open === undefined) this.decisions.set(who, [why]);
    else open.push(why);
    this.ledger.miss(mm, KIND.pte, why, this.begun.get(who));
  }

  allocFresh(mm: number, who: number): void {
    const open = this.decisions.get(who);
    const why = open?.pop() ?? WHY.unknown;
    if (open?.length === 0) this.decisions.delete(who);
    this.line.fragment(1);
    this.ledger.allocFresh(mm, KIND.pte, why, USABLE);
  }

  allocAgain(mm: number): void {
    this.line.fragment(1);
    this.ledger.allocAgain(mm, KIND.pte);
  }

  /** A line that shows the state byte that the kernel read: that half was neither A nor P. */
  allocSeen(mm: number): void {
    this.line.fragment(1);
    const half = HALF << this.line.index;
    if ((this.line.hex(2, 'the state byte before') & half) !== 0) {
      throw this.line.wrong(2, 'a state byte with that half free');
    }
    this.ledger.allocAgain(mm, KIND.pte);
  }

  /** Reads the ends of the mm's list, after the free that comes next. */
  withEnds(): this {
    this.ledger.listEnds(this.end(3), this.end(4));
    return this;
  }

  private end(argument: number): number {
    if (this.line.is(argument, '-')) return NO_END.empty;
    return this.line.hex(argument, 'a page or - (list empty)');
  }

  free(mm: number): void {
    this.line.fragment(1);
    this.ledger.freeRcu(mm, KIND.pte);
  }

  freeNow(mm: number): void {
    this.line.fragment(1);
    this.ledger.freeNowPending(mm, KIND.pte);
  }

  endOf(freed: Freed, released: boolean): void {
    this.line.fragment(0);
    this.ledger.endOf(freed, KIND.pte, released);
  }
}

function readReleased(line: RecordLine): boolean {
  const isSet = line.is(1, '1');
  if (!isSet && !line.is(1, '0')) throw line.wrong(1, '1 (page released) or 0');
  return isSet;
}

function readWhy(line: RecordLine): Why {
  if (line.is(1, 'e')) return WHY.empty;
  if (line.is(1, 'p')) return WHY.pending;
  throw line.wrong(1, 'e (list empty) or p (head pending)');
}
