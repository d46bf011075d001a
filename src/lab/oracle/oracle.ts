/**
 * The oracle: a rule of Linux held against what that Linux did.
 *
 * The rule is asked before it is told. At each decision of the kernel (a place in a page that the
 * mm has, or a fresh page and why) it says what it would do; then it takes what the kernel took. So
 * each wrong answer is counted once. Also judged: the ends of the mm's list after each free, where
 * recorded, and that a page goes back exactly when the rule gives it back.
 *
 * An allocation that takes a fresh page is two records, the decision and the page; it is right when
 * both are. In a canon file, and under powerpc's lock, records are in the order of what they tell.
 * In an s390 frag file the end of a wait is told after it happened, outside the lock, so two
 * answers are taken back, and counted as `moved`:
 *
 * - the kernel hands out a half that still waits, and read a byte in which it does not: it ended
 *   before, and its record is late;
 * - the kernel sees a pending head, the rule a usable one, and what made it usable was recorded
 *   while this very allocation was under way: it ended after the decision.
 *
 * powerpc tells the count of a page when it has changed, outside the lock: some stand in swapped
 * order. Such counts are listed, and nothing else depends on them.
 */
import type { LinuxPage, LinuxRule, Miss, Place } from '../designs/linux/rule.js';
import { NO_END, OP, type TraceEvent, WHY } from '../trace/event.js';
import type { TraceHeader } from '../trace/form.js';

export interface Judged {
  checked: number;
  matched: number;
}

/** Where rule and kernel part. Pages as the recording names them, in hexadecimal. */
export interface Mismatch {
  readonly line: number;
  readonly about: 'allocation' | 'list' | 'release';
  /** Its number among the mms that the recording creates, from 0. */
  readonly mm: number;
  readonly kind: 'pte' | 'pmd';
  /** The pages that either of the two speaks of. */
  readonly pages: readonly string[];
  readonly kernel: string;
  readonly rule: string;
}

/** A count of references that is not the one that its place in the order asks for. */
export interface SwappedCount {
  readonly line: number;
  readonly page: string;
  readonly count: number;
  readonly expected: number;
}

type Position = Pick<TraceEvent, 'line' | 'mm' | 'kind'>;

const KIND_NAMES = ['pte', 'pmd'] as const;
const MISSES: Readonly<Record<number, Miss>> = { [WHY.empty]: 'empty', [WHY.pending]: 'pending' };

/** Enough for a key out of a page and a fragment. */
const FRAGMENTS_MAX = 256;

export class Oracle {
  readonly allocations: readonly [pte: Judged, pmd: Judged] = [judged(), judged()];
  readonly lists: Judged = judged();
  readonly releases: Judged = judged();
  readonly swapped: SwappedCount[] = [];
  firstMismatch: Mismatch | null = null;
  mismatches = 0;
  moved = 0;

  private readonly rule: LinuxRule;
  private readonly header: TraceHeader;
  private readonly endsLate: boolean;
  /** Where the event stands that the rule is told of. */
  private at: Position = { line: 0, mm: 0, kind: 0 };
  /** Whether the decisions for a fresh page were right whose page has not come, by mm and kind. */
  private readonly decided = new Map<number, boolean[]>();
  /** Pages that the rule gave back and the kernel did not yet, with where it did. */
  private readonly due = new Map<number, Position>();
  /** Count of references of each page by its records (powerpc), and what an exit takes from it. */
  private readonly counts = new Map<number, number>();
  private readonly rests = new Map<number, number>();
  /** s390 frag: the tables that wait, by place; those that ended before their record; last ends. */
  private readonly waiting = new Map<number, number>();
  private readonly ended = new Set<number>();
  private readonly lastEnds = new Map<number, number>();

  constructor(rule: LinuxRule<LinuxPage>, header: TraceHeader) {
    this.rule = rule;
    this.header = header;
    this.endsLate = header.form.endsLate;
    rule.onRelease = (page): void => void this.due.set(page, this.at);
  }

  event(event: TraceEvent): void {
    const { rule } = this;
    const { mm, kind, table } = event;
    this.at = { line: event.line, mm, kind };
    switch (event.op) {
      case OP.create:
        rule.createMm(mm);
        break;
      case OP.exit:
        this.exit(mm);
        break;
      case OP.destroy:
        rule.destroyMm(mm);
        break;
      case OP.miss:
        this.miss(event);
        break;
      case OP.pageTaken:
        this.taken(event);
        break;
      case OP.alloc:
        if (event.fresh) this.allocFresh(event);
        else this.allocAgain(event);
        break;
      case OP.free:
        rule.free(mm, kind, table);
        this.freed(event);
        break;
      case OP.freeNow:
        rule.freeNow(mm, kind, table);
        this.freed(event);
        break;
      case OP.ended:
      case OP.settled:
        this.end(event);
        break;
      case OP.counted:
        this.count(event, 1);
        break;
      case OP.countedRest:
        this.count(event, this.rests.get(event.page) ?? 0);
        break;
      case OP.pageReleased:
        this.released(event);
        break;
    }
  }

  /** The recording is at its end: what the kernel should have given back by now. */
  finish(): void {
    for (const [page, at] of this.due) this.refuseRelease(page, at);
  }

  private miss(event: TraceEvent): void {
    const { mm, kind, since } = event;
    const found = this.rule.find(mm, kind);
    const kernel = MISSES[event.why];
    let right = found === kernel;
    if (!right && typeof found !== 'string' && kernel === 'pending') {
      right = since > 0 && (this.lastEnds.get(found.page) ?? 0) > since;
      if (right) this.moved++;
    }
    const key = mm * 2 + kind;
    const open = this.decided.get(key);
    if (open === undefined) this.decided.set(key, [right]);
    else open.push(right);
    if (!right) this.note(event, 'allocation', kernel ?? 'empty', found);
  }

  private taken(event: TraceEvent): void {
    const { page, usable } = event;
    this.counts.set(page, usable);
    const held = this.rule.describePage(page);
    if (held !== '') this.noteRelease(event, 'takes it afresh', `still holds it, ${held}`);
    else if (this.due.has(page)) this.refuseRelease(page, this.due.get(page) as Position);
  }

  private allocFresh(event: TraceEvent): void {
    const { mm, kind, table, page, usable } = event;
    const open = this.decided.get(mm * 2 + kind);
    let right = open?.pop();
    if (open?.length === 0) this.decided.delete(mm * 2 + kind);
    if (right === undefined) {
      const found = this.rule.find(mm, kind);
      right = typeof found === 'string';
      if (!right) this.note(event, 'allocation', 'empty', found);
    }
    const serves = this.rule.takeFresh(mm, kind, table, page);
    if (serves !== usable) {
      const say = (count: number): string => `a fresh page that serves ${count} in all`;
      if (right) this.add(event, 'allocation', [page], say(usable), say(serves));
      right = false;
    }
    this.judge(this.allocations[kind], right);
  }

  private allocAgain(event: TraceEvent): void {
    const { mm, kind, table, page, index } = event;
    let found = this.rule.find(mm, kind);
    if (found === 'pending' && this.endEarly(page, index)) found = this.rule.find(mm, kind);
    const place = { page, index };
    const right = typeof found !== 'string' && found.page === page && found.index === index;
    if (!right) this.note(event, 'allocation', place, found);
    this.judge(this.allocations[kind], right);
    // A rule that gave the page back too early can't be told to take a place in it.
    if (this.rule.describePage(page) === '') this.rule.takeFresh(mm, kind, table, page);
    else this.rule.take(mm, table, place);
  }

  /** Ends what waits at a place, for its record is late. False: nothing waits there. */
  private endEarly(page: number, index: number): boolean {
    const table = this.waiting.get(page * FRAGMENTS_MAX + index);
    if (table === undefined) return false;
    this.waiting.delete(page * FRAGMENTS_MAX + index);
    this.ended.add(table);
    this.rule.end(table);
    this.moved++;
    return true;
  }

  private freed(event: TraceEvent): void {
    const { mm, kind, table, page, index, first, last } = event;
    if (this.endsLate) this.waiting.set(page * FRAGMENTS_MAX + index, table);
    if (first === NO_END.unknown) return;
    const [ourFirst, ourLast] = this.rule.ends(mm, kind) ?? [NO_END.empty, NO_END.empty];
    const right = ourFirst === first && ourLast === last;
    this.judge(this.lists, right);
    if (right) return;
    const pages = [first, last, ourFirst, ourLast].filter((number) => number !== NO_END.empty);
    this.add(event, 'list', pages, endsText(first, last), endsText(ourFirst, ourLast));
  }

  private end(event: TraceEvent): void {
    const { table, page, index, line } = event;
    if (this.ended.delete(table)) return;
    if (this.endsLate) {
      this.waiting.delete(page * FRAGMENTS_MAX + index);
      this.lastEnds.set(page, line);
    }
    if (event.op === OP.ended) this.rule.end(table);
    else this.rule.settled(table);
  }

  private exit(mm: number): void {
    for (const kind of [0, 1] as const) {
      const found = this.rule.find(mm, kind);
      if (typeof found === 'string') continue;
      this.rests.set(found.page, this.header.perPage[kind] - found.index);
    }
    this.rule.exitMm(mm);
  }

  private count({ line, page, count }: TraceEvent, left: number): void {
    const expected = (this.counts.get(page) ?? 0) - left;
    this.counts.set(page, expected);
    if (count !== expected) this.swapped.push({ line, page: hex(page), count, expected });
  }

  private released(event: TraceEvent): void {
    const { page } = event;
    this.rests.delete(page);
    const dueSince = this.due.get(page)?.line;
    this.due.delete(page);
    // In a sequential file the record that ends the last wait says whether the page goes back.
    if (dueSince === event.line || (dueSince !== undefined && !this.header.form.isSequential)) {
      this.judge(this.releases, true);
      return;
    }
    const held = this.rule.describePage(page);
    this.noteRelease(event, 'gives it back', held === '' ? 'has it no more' : `holds it, ${held}`);
  }

  private refuseRelease(page: number, at: Position): void {
    this.due.delete(page);
    this.judge(this.releases, false);
    this.add(at, 'release', [page], `keeps ${hex(page)}`, 'gives it back');
  }

  private noteRelease(event: TraceEvent, kernel: string, rule: string): void {
    const { page } = event;
    this.judge(this.releases, false);
    this.add(event, 'release', [page], `${hex(page)}: ${kernel}`, rule);
  }

  private note(
    event: TraceEvent,
    about: Mismatch['about'],
    kernel: Place | Miss,
    rule: Place | Miss,
  ): void {
    const pages = [kernel, rule].flatMap((found) => (typeof found === 'string' ? [] : found.page));
    const { mm, kind } = event;
    pages.push(...this.rule.list(mm, kind).slice(0, 1));
    this.add(event, about, pages, foundText(kernel), foundText(rule));
  }

  private add(
    { line, mm, kind }: Position,
    about: Mismatch['about'],
    pages: readonly number[],
    kernel: string,
    rule: string,
  ): void {
    this.mismatches++;
    // What the kernel does not do is found later than where it should have.
    if (this.firstMismatch !== null && this.firstMismatch.line <= line) return;
    const names = [...new Set(pages)].map(hex);
    this.firstMismatch = { line, about, mm, kind: KIND_NAMES[kind], pages: names, kernel, rule };
  }

  private judge(to: Judged, right: boolean): void {
    to.checked++;
    if (right) to.matched++;
  }
}

function judged(): Judged {
  return { checked: 0, matched: 0 };
}

export function hex(page: number): string {
  return page.toString(16);
}

function foundText(found: Place | Miss): string {
  if (found === 'empty') return 'a fresh page: none to look at';
  if (found === 'pending') return 'a fresh page: the first of the list is pending';
  return `${hex(found.page)}.${found.index}, of a page that the mm has`;
}

function endsText(first: number, last: number): string {
  return first === NO_END.empty ? 'an empty list' : `a list from ${hex(first)} to ${hex(last)}`;
}
