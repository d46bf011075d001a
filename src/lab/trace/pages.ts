/**
 * The pages that the recorded kernel holds, and what is in their fragments.
 *
 * A fragment has at most one live table. Apart from that it may have tables that were freed and
 * wait for their end: usually one and then no live one, but where a recording's ends stand late,
 * the fragment's next table can be there before the end of the last is read. A page is forgotten
 * when the kernel has given it back and nothing in it waits any more, so what is kept is bounded
 * by what is live, not by the length of the trace.
 */
import type { TraceKind } from './event.js';
import type { Mm } from './mms.js';

/** How a waiting table was freed. */
export type Freed = 'rcu' | 'now';

/** One table, from its allocation to its end. */
export class Table {
  /** Dense number among all allocations of the trace. */
  readonly number: number;
  readonly mm: Mm;
  freed: Freed = 'rcu';
  /** powerpc: the RCU callback has named it, so the free that follows is its end. */
  announced = false;
  /** The next that waits in the same fragment, in the order of their frees. */
  next: Table | null = null;

  constructor(number: number, mm: Mm) {
    this.number = number;
    this.mm = mm;
  }
}

export class Page {
  readonly pfn: number;
  readonly kind: TraceKind;
  /** Whom the kernel took it for. A later owner can follow while old tables still wait. */
  mm: Mm;
  /** The kernel has not given it back. */
  held = true;
  /** How many fragments have a live table, and how many tables wait. */
  live = 0;
  waiting = 0;

  private readonly tables: (Table | null)[];
  private readonly queues: (Table | null)[];

  constructor(pfn: number, kind: TraceKind, fragments: number, mm: Mm) {
    this.pfn = pfn;
    this.kind = kind;
    this.mm = mm;
    this.tables = new Array<Table | null>(fragments).fill(null);
    this.queues = new Array<Table | null>(fragments).fill(null);
  }

  /** The live table of a fragment. */
  table(index: number): Table | null {
    return this.tables[index] ?? null;
  }

  put(index: number, table: Table): void {
    this.tables[index] = table;
    this.live++;
  }

  take(index: number): void {
    this.tables[index] = null;
    this.live--;
  }

  /** The table freed in that way that has waited longest in a fragment. */
  firstWaiting(index: number, freed: Freed): Table | null {
    let table = this.queues[index] ?? null;
    while (table !== null && table.freed !== freed) table = table.next;
    return table;
  }

  isWaiting(index: number): boolean {
    return this.queues[index] !== null;
  }

  wait(index: number, table: Table): void {
    this.waiting++;
    let last = this.queues[index] ?? null;
    if (last === null) {
      this.queues[index] = table;
      return;
    }
    while (last.next !== null) last = last.next;
    last.next = table;
  }

  endWait(index: number, table: Table): void {
    this.waiting--;
    const first = this.queues[index] ?? null;
    if (first === table) {
      this.queues[index] = table.next;
      return;
    }
    let before = first;
    while (before !== null && before.next !== table) before = before.next;
    if (before !== null) before.next = table.next;
  }
}
