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
import { endsText, foundText, hex, Judgements, type Position } from './judgements.js';
import { LateEnds } from './late-ends.js';
import { ReferenceCounts } from './reference-counts.js';

const MISSES: Readonly<Record<number, Miss>> = { [WHY.empty]: 'empty', [WHY.pending]: 'pending' };

export class Oracle {
  readonly judged: Judgements = new Judgements();
  readonly lateEnds: LateEnds = new LateEnds();
  readonly references: ReferenceCounts = new ReferenceCounts();
  private readonly rule: LinuxRule;
  private readonly header: TraceHeader;
  private readonly endsLate: boolean;
  /** Where the event stands that the rule is told of: there it gives pages back. */
  private at: Position = { line: 0, mm: 0, kind: 0 };
  /** Whether the decisions for a fresh page were right whose page has not come, by mm and kind. */
  private readonly decided = new Map<number, boolean[]>();
  /** Pages that the rule gave back and the kernel did not yet, with where it did. */
  private readonly due = new Map<number, Position>();

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
        this.references.told(event.line, event.page, event.count);
        break;
      case OP.countedRest:
        this.references.toldOfRest(event.line, event.page, event.count);
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
    const right =
      found === kernel ||
      (typeof found !== 'string' &&
        kernel === 'pending' &&
        this.lateEnds.takeBack(found.page, since));
    const key = mm * 2 + kind;
    const open = this.decided.get(key);
    if (open === undefined) this.decided.set(key, [right]);
    else open.push(right);
    if (!right) this.note(event, kernel ?? 'empty', found);
  }

  private taken(event: TraceEvent): void {
    const { page, usable } = event;
    this.references.taken(page, usable);
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
      if (!right) this.note(event, 'empty', found);
    }
    const serves = this.rule.takeFresh(mm, kind, table, page);
    if (serves !== usable) {
      const say = (count: number): string => `a fresh page that serves ${count} in all`;
      if (right) this.judged.part(event, 'allocation', [page], say(usable), say(serves));
      right = false;
    }
    this.judged.judge(this.judged.allocations[kind], right);
  }

  private allocAgain(event: TraceEvent): void {
    const { mm, kind, table, page, index } = event;
    let found = this.rule.find(mm, kind);
    if (found === 'pending' && this.endEarly(page, index)) found = this.rule.find(mm, kind);
    const place = { page, index };
    const right = typeof found !== 'string' && found.page === page && found.index === index;
    if (!right) this.note(event, place, found);
    this.judged.judge(this.judged.allocations[kind], right);
    // A rule that gave the page back too early can't be told to take a place in it.
    if (this.rule.describePage(page) === '') this.rule.takeFresh(mm, kind, table, page);
    else this.rule.take(mm, table, place);
  }

  /** Ends what waits at a place, for its record is late. False: nothing waits there. */
  private endEarly(page: number, index: number): boolean {
    const table = this.lateEnds.endEarly(page, index);
    if (table !== null) this.rule.end(table);
    return table !== null;
  }

  private freed(event: TraceEvent): void {
    const { mm, kind, table, page, index, first, last } = event;
    if (this.endsLate) this.lateEnds.freed(table, page, index);
    if (first === NO_END.unknown) return;
    const [ourFirst, ourLast] = this.rule.ends(mm, kind) ?? [NO_END.empty, NO_END.empty];
    const right = ourFirst === first && ourLast === last;
    this.judged.judge(this.judged.lists, right);
    if (right) return;
    const pages = [first, last, ourFirst, ourLast].filter((number) => number !== NO_END.empty);
    this.judged.part(event, 'list', pages, endsText(first, last), endsText(ourFirst, ourLast));
  }

  private end(event: TraceEvent): void {
    const { table, page, index, line } = event;
    if (this.endsLate && !this.lateEnds.recorded(table, page, index, line)) return;
    if (event.op === OP.ended) this.rule.end(table);
    else this.rule.settled(table);
  }

  private exit(mm: number): void {
    for (const kind of [0, 1] as const) {
      const found = this.rule.find(mm, kind);
      if (typeof found === 'string') continue;
      this.references.exits(found.page, this.header.perPage[kind] - found.index);
    }
    this.rule.exitMm(mm);
  }

  private released(event: TraceEvent): void {
    const { page } = event;
    this.references.released(page);
    const dueSince = this.due.get(page)?.line;
    this.due.delete(page);
    // In a sequential file the record that ends the last wait says whether the page goes back.
    if (dueSince === event.line || (dueSince !== undefined && !this.header.form.isSequential)) {
      this.judged.judge(this.judged.releases, true);
      return;
    }
    const held = this.rule.describePage(page);
    this.noteRelease(event, 'gives it back', held === '' ? 'has it no more' : `holds it, ${held}`);
  }

  private refuseRelease(page: number, at: Position): void {
    this.due.delete(page);
    this.judged.judge(this.judged.releases, false);
    this.judged.part(at, 'release', [page], `keeps ${hex(page)}`, 'gives it back');
  }

  private noteRelease(event: TraceEvent, kernel: string, rule: string): void {
    const { page } = event;
    this.judged.judge(this.judged.releases, false);
    this.judged.part(event, 'release', [page], `${hex(page)}: ${kernel}`, rule);
  }

  /** An allocation is put elsewhere than the kernel puts it. */
  private note(event: TraceEvent, kernel: Place | Miss, rule: Place | Miss): void {
    const pages = [kernel, rule].flatMap((found) => (typeof found === 'string' ? [] : found.page));
    const { mm, kind } = event;
    pages.push(...this.rule.list(mm, kind).slice(0, 1));
    this.judged.part(event, 'allocation', pages, foundText(kernel), foundText(rule));
  }
}
