/**
 * What the records of an imported trace mean: of another program, for one geometry.
 *
 *   line t_us I mm               create
 *   line t_us D mm               destroy
 *   line t_us A mm level index   alloc: the table of the span that begins at index times its size
 *   line t_us F mm level index   free
 *
 * `line` is the line of the recorder's text that it was derived from; level is 0 (PTE) or 1 (PMD),
 * index hexadecimal. An mm has at most one table of a level and index at a time: that is its name.
 * There is no kernel that placed tables, so events have no page, and no table ever ends: a replay
 * needs grace periods of its own.
 */
import { emptyCounts, type TraceCounts } from '../counts.js';
import {
  emptyEvent,
  KIND,
  type Kind,
  OP,
  type Op,
  type TraceEvent,
  type TraceHeader,
} from '../event.js';
import { type Mm, Mms } from '../mms.js';
import { Operations } from '../operations.js';
import { FOREIGN, type RecordLine } from '../record.js';

const NONE = -1;

/** Length of a grace period where nothing says another: about what the recordings have. */
export const IMPORTED_GP_US = 20_000;

/** The live tables of one mm: numbers by index, by kind. */
type Live = readonly [pte: Map<number, number>, pmd: Map<number, number>];

export class ImportedTables {
  readonly event: TraceEvent;
  readonly counts: TraceCounts;
  readonly header: TraceHeader;
  private readonly at: RecordLine;
  private readonly onEvent: (event: TraceEvent) => void;
  private readonly mms: Mms;
  private readonly live = new Map<Mm, Live>();
  private tables = 0;

  constructor(header: TraceHeader, at: RecordLine, onEvent: (event: TraceEvent) => void) {
    this.header = header;
    this.at = at;
    this.onEvent = onEvent;
    this.mms = new Mms(at);
    this.event = emptyEvent();
    this.counts = emptyCounts();
  }

  ours(read: (name: number) => void): () => void {
    return () => {
      const name = this.at.mm(0);
      if (name === FOREIGN) throw this.at.wrong(0, 'an mm of the trace, mN');
      read(name);
    };
  }

  create(name: number): void {
    const mm = this.mms.create(name);
    this.live.set(mm, [new Map(), new Map()]);
    this.counts.mms++;
    this.emit(OP.create, mm, KIND.pte, NONE);
  }

  destroy(name: number): void {
    const mm = this.mms.destroy(name);
    this.live.delete(mm);
    this.emit(OP.destroy, mm, KIND.pte, NONE);
  }

  alloc(name: number): void {
    const mm = this.mms.get(name);
    const kind = this.kind();
    const index = this.at.hex(2, 'the index of a span');
    const live = this.liveOf(mm, kind);
    if (live.has(index)) {
      const found = `m${name} has a table of level ${kind} at ${index.toString(16)}`;
      throw this.at.refuse('double-alloc', found, 'its free before');
    }
    const table = this.tables++;
    live.set(index, table);
    mm.tables++;
    this.counts.allocs[kind]++;
    this.emit(OP.alloc, mm, kind, table);
  }

  free(name: number): void {
    const mm = this.mms.get(name);
    const kind = this.kind();
    const index = this.at.hex(2, 'the index of a span');
    const live = this.liveOf(mm, kind);
    const table = live.get(index);
    if (table === undefined) {
      const found = `m${name} has no table of level ${kind} at ${index.toString(16)}`;
      throw this.at.refuse('free-without-alloc', found, 'its allocation before');
    }
    live.delete(index);
    mm.tables--;
    this.counts.frees[kind]++;
    this.emit(OP.free, mm, kind, table);
  }

  private kind(): Kind {
    const level = this.at.integer(1, 'a level');
    if ((level === KIND.pte || level === KIND.pmd) && this.header.perPage[level] > 0) return level;
    throw this.at.wrong(1, 'a level that the header has tables of');
  }

  private liveOf(mm: Mm, kind: Kind): Map<number, number> {
    const live = this.live.get(mm);
    if (live === undefined) throw new Error('an mm without tables was found by its name');
    return live[kind];
  }

  private emit(op: Op, mm: Mm, kind: Kind, table: number): void {
    const { event } = this;
    event.op = op;
    event.mm = mm.index;
    event.kind = kind;
    event.table = table;
    this.onEvent(event);
  }
}

export function importedOperations(tables: ImportedTables): Operations {
  return new Operations(tables)
    .ofMm('I', 1, (mm) => tables.create(mm))
    .ofMm('D', 1, (mm) => tables.destroy(mm))
    .ofMm('A', 3, (mm) => tables.alloc(mm))
    .ofMm('F', 3, (mm) => tables.free(mm));
}
