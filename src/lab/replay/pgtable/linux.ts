/**
 * How many tables Linux would give each mm for what its processes did, by its own rule (6.1): a
 * table goes when no mapping is left in its span (free_pgtables, mm/memory.c), not when its last
 * page goes; a fork gives the child a table for every one that a copied mapping has in the parent;
 * moving a mapping gives one for each that it had.
 *
 * Counted beside the replay, for the difference between what was recorded and what ours were given:
 * what is left of it when this is taken into account is not the rule's doing. Of mappings that exec
 * made nothing is known: there a table goes with its last page.
 */
import type { Range, Regions } from './regions.js';

/** A table that the mm has, and the pages in it that were touched. */
type Spans = Map<number, Set<number>>;

export class LinuxTables {
  private readonly spanPages: number;
  private readonly mms = new Map<number, Spans>();
  private readonly counts: number[] = [];

  constructor(spanPages: number) {
    this.spanPages = spanPages;
  }

  /** Tables that an mm was given, the lowest level's. */
  given(mm: number): number {
    return this.counts[mm] ?? 0;
  }

  touch(mm: number, page: number): void {
    this.table(mm, this.spanOf(page)).add(page);
  }

  /** `regions`: those that are left. */
  unmap(mm: number, begin: number, end: number, regions: Regions): void {
    const spans = this.spansOf(mm);
    for (const span of this.within(spans, begin, end)) {
      const pages = spans.get(span) as Set<number>;
      for (const page of pages) if (begin <= page && page < end) pages.delete(page);
      if (pages.size === 0 && !regions.meets(this.rangeOf(span))) spans.delete(span);
    }
  }

  /** Before the pages are unmapped where they were. */
  move(mm: number, from: number, to: number, pages: number): void {
    const spans = this.spansOf(mm);
    for (const span of this.within(spans, from, from + pages)) {
      const { begin, end } = this.rangeOf(span);
      const [first, last] = [Math.max(begin, from), Math.min(end, from + pages) - 1];
      this.table(mm, this.spanOf(first - from + to));
      this.table(mm, this.spanOf(last - from + to));
      for (const page of spans.get(span) as Set<number>) {
        if (first <= page && page <= last) this.touch(mm, page - from + to);
      }
    }
  }

  fork(parent: number, child: number, skipped: readonly Range[], regions: Regions): void {
    for (const [span, pages] of this.spansOf(parent)) {
      const copied = [...pages].filter(
        (page) => !skipped.some(({ begin, end }) => begin <= page && page < end),
      );
      if (copied.length === 0 && !regions.meets(this.rangeOf(span), true)) continue;
      const table = this.table(child, span);
      for (const page of copied) table.add(page);
    }
  }

  exit(mm: number): void {
    this.mms.delete(mm);
  }

  private spansOf(mm: number): Spans {
    const known = this.mms.get(mm);
    if (known !== undefined) return known;
    const spans: Spans = new Map();
    this.mms.set(mm, spans);
    return spans;
  }

  /** The table of a span: a new one if there is none. */
  private table(mm: number, span: number): Set<number> {
    const spans = this.spansOf(mm);
    const known = spans.get(span);
    if (known !== undefined) return known;
    const pages = new Set<number>();
    spans.set(span, pages);
    this.counts[mm] = this.given(mm) + 1;
    return pages;
  }

  private within(spans: Spans, begin: number, end: number): number[] {
    const [first, last] = [this.spanOf(begin), this.spanOf(end - 1)];
    return [...spans.keys()].filter((span) => first <= span && span <= last);
  }

  private spanOf(page: number): number {
    return Math.floor(page / this.spanPages);
  }

  private rangeOf(span: number): Range {
    return { begin: span * this.spanPages, end: (span + 1) * this.spanPages };
  }
}
