/**
 * The two forms of an s390 recording, and what their operations mean. frag: as recorded. canon: the
 * same put in the order in which it happened, which only s390 needs.
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
import { NO_END, TRACE_KIND, WHY, type Why } from '../event.js';
import { type Described, type Form, placeOf, type RecordReader } from '../form.js';
import { Ledger } from '../ledger.js';
import { Operations } from '../operations.js';
import type { Freed } from '../pages.js';
import type { RecordLine } from '../record.js';
import type { ListEnds } from '../teller.js';
import { FRAG } from './frag.js';

/** Both fragments of a fresh page can be handed out. */
const USABLE = 2;

/** The two bits of the lower half in a state byte: allocated, pending. */
const HALF = 0x11;

/** A frag line's pid, counted as an argument. */
const PID_ARGUMENT = placeOf('pid', FRAG);

const CANON_START = '# canonical sequential log';

const DESCRIBED: Described = { geometry: 's390', perPage: [2, 0], imported: null };

export const S390_CANON: Form = {
  name: 'canon',
  firstLine: CANON_START,
  recognises: (line) => line.startsWith(CANON_START),
  ownLine: null,
  headerLines: {},
  readHeader: () => DESCRIBED,
  columns: ['seq', 't_us', 'op'],
  begin: readerWith(canonOperations),
  hasKernel: true,
  isSequential: true,
  endsLate: false,
  gpUs: null,
};

export const S390_FRAG: Form = {
  ...FRAG,
  ownLine: { pattern: /\buname=.* s390x\b/, shown: 'uname=… s390x …' },
  headerLines: {},
  readHeader: () => DESCRIBED,
  begin: readerWith(fragOperations),
  // The kernel writes them outside the lock.
  endsLate: true,
};

/** Defines what each operation of a file means. */
type Define = (line: RecordLine, ledger: Ledger, lines: S390Lines) => Operations;

function readerWith(define: Define): Form['begin'] {
  return (header, at, onEvent): RecordReader => {
    const ledger = new Ledger(header, at, onEvent);
    const { teller, counts } = ledger;
    return { operations: define(at, ledger, new S390Lines(at, ledger)), teller, counts };
  };
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
    .ofMm('R', 6, (mm) => lines.free(mm, lines.ends()))
    .ofMm('F', 5, (mm) => lines.freeNow(mm, lines.ends()))
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
    this.ledger.miss(mm, TRACE_KIND.pte, why, this.begun.get(who));
  }

  allocFresh(mm: number, who: number): void {
    const open = this.decisions.get(who);
    const why = open?.pop() ?? WHY.unknown;
    if (open?.length === 0) this.decisions.delete(who);
    this.ledger.allocFresh(mm, TRACE_KIND.pte, this.line.fragment(1), why, USABLE);
  }

  allocAgain(mm: number): void {
    this.ledger.allocAgain(mm, TRACE_KIND.pte, this.line.fragment(1));
  }

  /** A line that shows the state byte that the kernel read: that half was neither A nor P. */
  allocSeen(mm: number): void {
    const place = this.line.fragment(1);
    const half = HALF << place.index;
    if ((this.line.hex(2, 'the state byte before') & half) !== 0) {
      throw this.line.wrong(2, 'a state byte with that half free');
    }
    this.ledger.allocAgain(mm, TRACE_KIND.pte, place);
  }

  /** The ends of the mm's list after a free. */
  ends(): ListEnds {
    return { first: this.end(3), last: this.end(4) };
  }

  private end(argument: number): number {
    if (this.line.is(argument, '-')) return NO_END.empty;
    return this.line.hex(argument, 'a page or - (list empty)');
  }

  free(mm: number, ends?: ListEnds): void {
    this.ledger.freeRcu(mm, TRACE_KIND.pte, this.line.fragment(1), ends);
  }

  freeNow(mm: number, ends?: ListEnds): void {
    this.ledger.freeNowPending(mm, TRACE_KIND.pte, this.line.fragment(1), ends);
  }

  endOf(freed: Freed, released: boolean): void {
    this.ledger.endOf(freed, TRACE_KIND.pte, this.line.fragment(0), released);
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
