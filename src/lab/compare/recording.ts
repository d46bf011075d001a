/**
 * A recording in memory, to be driven through again and again; or many copies of it over each
 * other.
 *
 * What designs are driven by is kept in columns, 17 bytes a record. Of `repeat` copies each begins
 * a `repeat`-th of the recording's length after the one before it, so that in the middle all of
 * them are under way, each at another place. Every copy has mms and tables of its own: one kernel
 * with that many times the processes, whose RCU is common to all.
 *
 * How copies are laid over each other without a merge: time is cut into slices as long as the
 * shift. In slice n copy k is in its own slice n - k, so all slices need the same order: that of
 * the records' times within their slices. The records are sorted by it once; each slice is one walk
 * through them all, leaving out those whose copy has not begun or is over. That is two looks at a
 * record for each time that it happens, whatever the number of copies.
 */
import { hashed } from '../../core/base/prng.js';
import {
  type DesignEvent,
  OP,
  type Op,
  TRACE_KIND,
  type TraceEvent,
  type TraceKind,
} from '../trace/event.js';
import { type ReadOptions, readTrace, type TraceFacts } from '../trace/reader.js';

/** How a recording is changed before designs are driven by it. */
export interface Changes {
  /** How many copies are laid over each other. */
  readonly repeat: number;
  /** The share of PTE tables freed through RCU that are freed by pte_free_defer, 0 to 1. */
  readonly defer: number;
  /** Which ones: a larger share has those of a smaller one, and more. */
  readonly seed: number;
}

export const UNCHANGED: Changes = Object.freeze({ repeat: 1, defer: 0, seed: 1 });

const KIND_SHIFT = 4;
const OP_MASK = 15;
const ROWS_MIN = 4096;

/** Records of which designs are told nothing. */
const SKIPPED: readonly Op[] = [OP.miss, OP.counted, OP.countedRest];

/** Records in the order in which they were added. */
class Columns {
  rows = 0;
  ops: Uint8Array;
  mms: Uint32Array;
  /** Table numbers, plus 1; 0: the record is about none. */
  tables: Uint32Array;
  timesUs: Float64Array;

  constructor(room: number) {
    this.ops = new Uint8Array(room);
    this.mms = new Uint32Array(room);
    this.tables = new Uint32Array(room);
    this.timesUs = new Float64Array(room);
  }

  add(op: number, mm: number, table: number, timeUs: number): void {
    if (this.rows === this.ops.length) this.grow();
    const row = this.rows++;
    this.ops[row] = op;
    this.mms[row] = mm;
    this.tables[row] = table;
    this.timesUs[row] = timeUs;
  }

  private grow(): void {
    const wider = new Columns(2 * this.rows);
    wider.ops.set(this.ops);
    wider.mms.set(this.mms);
    wider.tables.set(this.tables);
    wider.timesUs.set(this.timesUs);
    Object.assign(this, wider, { rows: this.rows });
  }
}

export class Recording {
  readonly facts: TraceFacts;
  readonly changes: Changes;
  /** From the first record of the first copy to the last of the last. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** Looks at records that it takes to go through all: what `drive` counts in. */
  readonly looks: number;
  private readonly records: Columns;
  /** The slice that each record lies in, of a copy's own time. */
  private readonly slices: Uint32Array;
  private readonly shiftUs: number;
  private readonly tables: number;
  private readonly deferBelow: number;

  constructor(records: Columns, facts: TraceFacts, changes: Changes) {
    const { repeat, defer } = changes;
    const { firstUs, lastUs, allocs } = facts;
    const lengthUs = lastUs - firstUs;
    this.facts = facts;
    this.changes = changes;
    this.shiftUs = repeat === 1 ? lengthUs + 1 : Math.max(1, Math.floor(lengthUs / repeat));
    this.firstUs = firstUs;
    this.lastUs = lastUs + (repeat - 1) * this.shiftUs;
    this.tables = allocs[0] + allocs[1];
    this.deferBelow = defer * 2 ** 32;
    this.records = repeat === 1 ? records : inSliceOrder(records, firstUs, this.shiftUs);
    this.slices = Uint32Array.from(this.records.timesUs.subarray(0, records.rows), (timeUs) =>
      Math.floor((timeUs - firstUs) / this.shiftUs),
    );
    const slices = Math.floor(lengthUs / this.shiftUs) + repeat;
    this.looks = slices * records.rows;
  }

  /** Reads a recording, to be driven through with changes. */
  static async read(file: string, changes: Changes, options: ReadOptions = {}): Promise<Recording> {
    const records = new Columns(ROWS_MIN);
    const keep = ({ op, kind, mm, table, timeUs }: TraceEvent): void => {
      if (!SKIPPED.includes(op)) {
        records.add(op | (kind << KIND_SHIFT), mm, table + 1, timeUs);
      }
    };
    const facts = await readTrace(file, keep, options);
    return new Recording(records, facts, changes);
  }

  /** Tells of what happens in the looks from `from` up to `to`, in order of time. */
  drive(onEvent: (event: DesignEvent) => void, from: number, to: number): void {
    const { records, slices, shiftUs, tables, changes } = this;
    const { rows, ops, mms, timesUs } = records;
    const { repeat, seed } = changes;
    const event = emptyEvent();
    for (let look = from; look < to; look++) {
      const slice = Math.floor(look / rows);
      const row = look - slice * rows;
      const copy = slice - (slices[row] as number);
      if (copy < 0 || copy >= repeat) continue;
      const packed = ops[row] as number;
      const table = (records.tables[row] as number) - 1;
      event.op = (packed & OP_MASK) as Op;
      event.kind = (packed >> KIND_SHIFT) as TraceKind;
      event.mm = (mms[row] as number) + copy * this.facts.mms;
      event.table = table < 0 ? table : table + copy * tables;
      event.timeUs = (timesUs[row] as number) + copy * shiftUs;
      event.deferred =
        packed === OP.free && this.deferBelow > 0 && hashed(seed, event.table) < this.deferBelow;
      onEvent(event);
    }
  }
}

/** By time within a slice; what is at the same place there stays in order. */
function inSliceOrder(records: Columns, firstUs: number, sliceUs: number): Columns {
  const { rows, timesUs } = records;
  const places = timesUs.subarray(0, rows).map((timeUs) => (timeUs - firstUs) % sliceUs);
  const order = Uint32Array.from(places, (_, row) => row);
  order.sort((a, b) => (places[a] as number) - (places[b] as number) || a - b);
  const sorted = new Columns(Math.max(1, rows));
  for (const row of order) {
    const [op, mm, table] = [records.ops[row], records.mms[row], records.tables[row]];
    sorted.add(op as number, mm as number, table as number, timesUs[row] as number);
  }
  return sorted;
}

function emptyEvent(): { -readonly [K in keyof DesignEvent]: DesignEvent[K] } {
  return { op: OP.create, timeUs: 0, mm: 0, kind: TRACE_KIND.pte, table: 0, deferred: false };
}
