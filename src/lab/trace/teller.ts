/**
 * Tells a consumer of events, one after the other, through one object.
 *
 * Each method sets all fields of the event: those that its operation speaks of, and the others to
 * what they are when unset. So nothing can be left over from the event before. What the fields of
 * every record say (line, time, CPU) is given once for each record.
 */
import {
  NO_END,
  OP,
  type Op,
  TRACE_KIND,
  type TraceEvent,
  type TraceKind,
  WHY,
  type Why,
} from './event.js';
import type { Mm } from './mms.js';

const NONE = -1;

/** First and last page of an mm's list, or `NO_END`. */
export interface ListEnds {
  readonly first: number;
  readonly last: number;
}

const UNKNOWN_ENDS: ListEnds = Object.freeze({
  first: NO_END.unknown,
  last: NO_END.unknown,
});

/** The operations that are about a table that was freed. */
type End = typeof OP.ended | typeof OP.settled;

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };

export class Teller {
  private readonly event: Writable<TraceEvent> = emptyEvent();
  private readonly onEvent: (event: TraceEvent) => void;

  constructor(onEvent: (event: TraceEvent) => void) {
    this.onEvent = onEvent;
  }

  /** The record that the next events come from. */
  record(line: number, seq: number, timeUs: number, cpu: number): void {
    const { event } = this;
    event.line = line;
    event.seq = seq;
    event.timeUs = timeUs;
    event.cpu = cpu;
  }

  /** `name`: the number that the recording calls the mm by. */
  create(mm: Mm, name: number): void {
    this.set(OP.create, mm, TRACE_KIND.pte, NONE, NONE, 0);
    this.event.name = name;
    this.onEvent(this.event);
  }

  exit(mm: Mm): void {
    this.set(OP.exit, mm, TRACE_KIND.pte, NONE, NONE, 0);
    this.onEvent(this.event);
  }

  destroy(mm: Mm): void {
    this.set(OP.destroy, mm, TRACE_KIND.pte, NONE, NONE, 0);
    this.onEvent(this.event);
  }

  /** `since`: the line in which the call began; 0 where lines are in the order of what they say. */
  miss(mm: Mm, kind: TraceKind, why: Why, since: number): void {
    this.set(OP.miss, mm, kind, NONE, NONE, 0);
    this.event.why = why;
    this.event.since = since;
    this.onEvent(this.event);
  }

  pageTaken(mm: Mm, kind: TraceKind, page: number, why: Why, usable: number): void {
    this.set(OP.pageTaken, mm, kind, NONE, page, 0);
    this.event.why = why;
    this.event.usable = usable;
    this.onEvent(this.event);
  }

  /** The table is the first of a fresh page. */
  allocFresh(mm: Mm, kind: TraceKind, table: number, page: number, why: Why, usable: number): void {
    this.set(OP.alloc, mm, kind, table, page, 0);
    this.event.fresh = true;
    this.event.why = why;
    this.event.usable = usable;
    this.onEvent(this.event);
  }

  alloc(mm: Mm, kind: TraceKind, table: number, page: number, index: number): void {
    this.set(OP.alloc, mm, kind, table, page, index);
    this.onEvent(this.event);
  }

  /** `ends`: of the mm's list after it. */
  free(
    op: typeof OP.free | typeof OP.freeNow,
    mm: Mm,
    kind: TraceKind,
    table: number,
    page: number,
    index: number,
    ends: ListEnds = UNKNOWN_ENDS,
  ): void {
    this.set(op, mm, kind, table, page, index);
    this.event.first = ends.first;
    this.event.last = ends.last;
    this.onEvent(this.event);
  }

  end(op: End, mm: Mm, kind: TraceKind, table: number, page: number, index: number): void {
    this.set(op, mm, kind, table, page, index);
    this.onEvent(this.event);
  }

  counted(
    op: typeof OP.counted | typeof OP.countedRest,
    mm: Mm,
    kind: TraceKind,
    page: number,
    count: number,
  ): void {
    this.set(op, mm, kind, NONE, page, 0);
    this.event.count = count;
    this.onEvent(this.event);
  }

  pageReleased(mm: Mm, kind: TraceKind, page: number): void {
    this.set(OP.pageReleased, mm, kind, NONE, page, 0);
    this.onEvent(this.event);
  }

  /** What most events speak of; all else becomes unset. */
  private set(op: Op, mm: Mm, kind: TraceKind, table: number, page: number, index: number): void {
    const { event } = this;
    event.op = op;
    event.mm = mm.index;
    event.kind = kind;
    event.table = table;
    event.page = page;
    event.index = index;
    event.name = 0;
    event.fresh = false;
    event.why = WHY.unknown;
    event.usable = 0;
    event.first = NO_END.unknown;
    event.last = NO_END.unknown;
    event.count = 0;
    event.since = 0;
  }
}

/** An event before it says anything. */
function emptyEvent(): TraceEvent {
  return {
    op: OP.create,
    line: 0,
    seq: 0,
    timeUs: 0,
    cpu: 0,
    mm: 0,
    name: 0,
    kind: TRACE_KIND.pte,
    table: -1,
    page: -1,
    index: 0,
    fresh: false,
    why: WHY.unknown,
    usable: 0,
    first: NO_END.unknown,
    last: NO_END.unknown,
    count: 0,
    since: 0,
  };
}
