/**
 * One address space: what is mapped, and which tables that makes.
 *
 *   a table is made    for the span of an address that is touched
 *   a table is freed   when something was unmapped and nothing is mapped in its span any more, or
 *                      when the address space ends
 *
 * The second is Linux's rule: `free_pgtables` frees what lies between the neighbours of the range
 * that goes. A PMD table goes with the last PTE table below it, if nothing is mapped in its span.
 *
 * Much is mapped that no line says: the program itself, its stack, whatever is older than the
 * recording. An address that is touched outside of all known areas proves such a mapping. It is
 * kept for each table as one range, from the first such page to the last: its tables then live
 * until an unmapping covers that range.
 */
import type { Area, Areas } from './areas.js';
import type { Spans } from './spans.js';

export const PAGE_BYTES = 4096;

/** Who is told of tables. `index` is the table's span, counted from address 0. */
export interface TableSink {
  alloc(mm: number, kind: 0 | 1, index: number): void;
  free(mm: number, kind: 0 | 1, index: number): void;
}

/** Touched pages of a span that belong to no known area. */
interface Unknown {
  readonly from: number;
  readonly to: number;
}

export class Mappings {
  /** Its number in the trace. */
  readonly mm: number;
  readonly areas: Areas;
  private readonly spans: Spans;
  private readonly sink: TableSink;
  private readonly tables = new Map<number, Unknown | null>();
  /** PTE tables below each PMD table. */
  private readonly below = new Map<number, number>();

  constructor(mm: number, areas: Areas, spans: Spans, sink: TableSink) {
    this.mm = mm;
    this.areas = areas;
    this.spans = spans;
    this.sink = sink;
  }

  touch(address: number): void {
    const { pte } = this.spans;
    const index = Math.floor(address / pte);
    const known = this.tables.get(index);
    if (known === undefined) this.allocPte(index);
    if (this.areas.has(address)) return;
    const from = address - (address % PAGE_BYTES);
    const to = from + PAGE_BYTES;
    if (known && known.from <= from && known.to >= to) return;
    const unknown = known
      ? { from: Math.min(known.from, from), to: Math.max(known.to, to) }
      : { from, to };
    this.tables.set(index, unknown);
  }

  /** Every span of a range is touched. */
  touchAll(from: number, to: number): void {
    const { pte } = this.spans;
    for (let at = from; at < to; at = (Math.floor(at / pte) + 1) * pte) this.touch(at);
  }

  /** Maps a range, in place of what was there. */
  map(area: Area): void {
    this.unmap(area.from, area.to);
    this.areas.insert(area);
  }

  /** Maps what is free of a range. */
  add(area: Area): void {
    let from = area.from;
    const known = [...this.areas.within(area.from, area.to)];
    for (const { from: start, to: end } of [...known, { from: area.to, to: area.to }]) {
      const offset = area.offset + (from - area.from);
      if (start > from) this.areas.insert({ ...area, from, to: start, offset });
      from = end;
    }
  }

  unmap(from: number, to: number): void {
    if (to <= from) return;
    this.areas.remove(from, to);
    const { pte, pmd } = this.spans;
    for (const index of indexesIn(this.tables, pte, from, to)) this.freePteIfEmpty(index, from, to);
    if (pmd === 0) return;
    for (const index of indexesIn(this.below, pmd, from, to)) this.freePmdIfEmpty(index);
  }

  /** Tables follow what is moved: each of the old range, to wherever its part comes to lie. */
  remap(from: number, to: number, newFrom: number, newTo: number, keep: boolean): void {
    const last = [...this.areas.within(from, to)].at(-1);
    const area = last ?? { from, to, copied: true, idle: false, image: null, offset: 0 };
    if (newFrom === from) {
      this.unmap(newTo, to);
      const offset = area.offset + (to - area.from);
      if (newTo > to) this.map({ ...area, from: to, to: newTo, offset });
      return;
    }
    const tables = indexesIn(this.tables, this.spans.pte, from, to);
    this.map({ ...area, from: newFrom, to: newTo });
    const end = Math.min(to, from + (newTo - newFrom));
    for (const index of tables) {
      const start = Math.max(from, index * this.spans.pte);
      const stop = Math.min(end, (index + 1) * this.spans.pte);
      this.touchAll(start - from + newFrom, stop - from + newFrom);
    }
    if (!keep) this.unmap(from, to);
  }

  /** Makes the tables of a forked child. */
  copyTables(child: Mappings): void {
    for (const [index, unknown] of this.tables) {
      if (unknown === null && !this.isCopied(index)) continue;
      child.allocPte(index);
      child.tables.set(index, unknown);
    }
  }

  /** Frees all tables. */
  end(): void {
    const order = (a: number, b: number): number => a - b;
    for (const index of [...this.tables.keys()].sort(order)) this.freePte(index);
    for (const index of [...this.below.keys()].sort(order)) this.sink.free(this.mm, 1, index);
    this.below.clear();
  }

  private isCopied(index: number): boolean {
    const { pte } = this.spans;
    for (const area of this.areas.within(index * pte, (index + 1) * pte)) {
      if (area.copied) return true;
    }
    return false;
  }

  private freePteIfEmpty(index: number, from: number, to: number): void {
    const unknown = this.tables.get(index) ?? null;
    const left = unknown === null ? null : without(unknown, from, to);
    if (left !== unknown) this.tables.set(index, left);
    const { pte } = this.spans;
    if (left !== null || this.areas.overlaps(index * pte, (index + 1) * pte)) return;
    this.freePte(index);
  }

  private freePmdIfEmpty(index: number): void {
    const { pmd } = this.spans;
    if (this.below.get(index) !== 0 || this.areas.overlaps(index * pmd, (index + 1) * pmd)) return;
    this.below.delete(index);
    this.sink.free(this.mm, 1, index);
  }

  private allocPte(index: number): void {
    if (this.spans.pmd > 0) {
      const above = this.pmdOf(index);
      const tables = this.below.get(above);
      if (tables === undefined) this.sink.alloc(this.mm, 1, above);
      this.below.set(above, (tables ?? 0) + 1);
    }
    this.sink.alloc(this.mm, 0, index);
    this.tables.set(index, null);
  }

  private freePte(index: number): void {
    this.tables.delete(index);
    this.sink.free(this.mm, 0, index);
    if (this.spans.pmd === 0) return;
    const above = this.pmdOf(index);
    this.below.set(above, (this.below.get(above) ?? 0) - 1);
  }

  private pmdOf(index: number): number {
    return Math.floor((index * this.spans.pte) / this.spans.pmd);
  }
}

/** Numbers of the live tables whose span a range reaches into. Walks what is fewer. */
function indexesIn(
  tables: ReadonlyMap<number, unknown>,
  span: number,
  from: number,
  to: number,
): number[] {
  const first = Math.floor(from / span);
  const last = Math.floor((to - 1) / span);
  const found: number[] = [];
  if (last - first < tables.size) {
    for (let index = first; index <= last; index++) if (tables.has(index)) found.push(index);
    return found;
  }
  for (const index of tables.keys()) if (index >= first && index <= last) found.push(index);
  return found.sort((a, b) => a - b);
}

/** What is left of a range; null: nothing. A hole in its middle is not remembered. */
function without(range: Unknown, from: number, to: number): Unknown | null {
  if (to <= range.from || from >= range.to) return range;
  if (from > range.from) return to >= range.to ? { from: range.from, to: from } : range;
  return to >= range.to ? null : { from: to, to: range.to };
}
