/**
 * The dispatcher of a replay: turns a trace's events into operations for the mutators.
 *
 * Which mutator does what: where records have a CPU, that CPU's. Elsewhere alloc of table t goes to
 * mutator t, its free to mutator 3t + 1, create of mm m to mutator m, its destroy to mutator m + 1
 * (all modulo their number), so that one mm is used by all of them at once and tables are freed by
 * others than they were allocated by.
 */
import type { Memory } from '../../../core/mem/memory.js';
import { Level } from '../../compare/level.js';
import { RingWriter } from '../../crew/ring.js';
import { OP, type TraceEvent } from '../../trace/event.js';
import type { TraceHeader } from '../../trace/form.js';
import { checkRoom } from './board.js';
import { TASK } from './tasks.js';

interface LiveTable {
  readonly mm: number;
  readonly kind: number;
}

export class Dispatcher {
  readonly tables: Level = new Level();
  records = 0;
  private readonly writer: RingWriter;
  private readonly mutators: number;
  private readonly byCpu: boolean;
  private readonly live = new Map<number, LiveTable>();
  /** Tables that each live mm has had: its destroy waits for that many frees. */
  private readonly allocated = new Map<number, number>();

  constructor(control: Memory, mutators: number, header: TraceHeader) {
    this.writer = new RingWriter(control, mutators);
    this.mutators = mutators;
    this.byCpu = header.form.columns.includes('cpu');
  }

  event(event: TraceEvent): void {
    const { mm, table, kind, cpu } = event;
    switch (event.op) {
      case OP.create:
        checkRoom(mm, 0);
        this.allocated.set(mm, 0);
        this.send(cpu, mm, TASK.create, mm, 0, 0);
        break;
      case OP.destroy:
        this.destroy(cpu, mm);
        break;
      case OP.alloc:
        checkRoom(mm, table);
        this.live.set(table, { mm, kind });
        this.allocated.set(mm, (this.allocated.get(mm) ?? 0) + 1);
        this.tables.add(event.timeUs, 1);
        this.send(cpu, table, TASK.alloc, mm, kind, table);
        break;
      case OP.free:
      case OP.freeNow:
        this.tables.add(event.timeUs, -1);
        this.free(cpu, mm, kind, table);
        break;
    }
    this.records++;
  }

  private free(cpu: number, mm: number, kind: number, table: number): void {
    this.live.delete(table);
    this.send(cpu, 3 * table + 1, TASK.free, mm, kind, table);
  }

  private destroy(cpu: number, mm: number): void {
    this.send(cpu, mm + 1, TASK.destroy, mm, 0, this.allocated.get(mm) ?? 0);
    this.allocated.delete(mm);
  }

  private send(
    cpu: number,
    n: number,
    task: number,
    mm: number,
    kind: number,
    table: number,
  ): void {
    this.writer.write((this.byCpu ? cpu : n) % this.mutators, task, mm, kind, table);
  }

  /** Frees and destroys what the trace left, then lets the mutators return. */
  finish(): void {
    for (const [table, { mm, kind }] of this.live) this.free(0, mm, kind, table);
    for (const mm of this.allocated.keys()) this.destroy(0, mm);
    this.writer.stop();
  }
}
