/** The pages of an mm that its processes touched and did not unmap since, by span. */

export class Mapped {
  private readonly spanPages: number;
  private readonly spans = new Map<number, Set<number>>();

  constructor(spanPages: number) {
    this.spanPages = spanPages;
  }

  add(page: number): void {
    const span = this.spanOf(page);
    const pages = this.spans.get(span);
    if (pages === undefined) this.spans.set(span, new Set([page]));
    else pages.add(page);
  }

  spanOf(page: number): number {
    return Math.floor(page / this.spanPages);
  }

  /** Pages of a range that are mapped. */
  within(begin: number, end: number): number[] {
    return this.spansWithin(begin, end).flatMap((span) =>
      [...(this.spans.get(span) ?? [])].filter((page) => begin <= page && page < end),
    );
  }

  /** Spans that have a mapped page and meet a range. */
  spansWithin(begin: number, end: number): number[] {
    const [first, last] = [this.spanOf(begin), this.spanOf(end - 1)];
    if (last - first >= this.spans.size) {
      return [...this.spans.keys()].filter((span) => first <= span && span <= last);
    }
    const found: number[] = [];
    for (let span = first; span <= last; span++) if (this.spans.has(span)) found.push(span);
    return found;
  }

  /** Takes the pages of a range out; returns the spans that have none any more. */
  remove(begin: number, end: number): number[] {
    const emptied: number[] = [];
    for (const span of this.spansWithin(begin, end)) {
      const pages = this.spans.get(span) as Set<number>;
      for (const page of pages) if (begin <= page && page < end) pages.delete(page);
      if (pages.size > 0) continue;
      this.spans.delete(span);
      emptied.push(span);
    }
    return emptied;
  }

  /** All spans, and of each the runs of pages that are not mapped. */
  *holes(): Generator<{ readonly begin: number; readonly pages: number }> {
    for (const [span, mapped] of this.spans) {
      const end = (span + 1) * this.spanPages;
      let begin = span * this.spanPages;
      for (const page of [...mapped, end].sort((one, other) => one - other)) {
        if (page > begin) yield { begin, pages: page - begin };
        begin = page + 1;
      }
    }
  }

  *pages(): Generator<number> {
    for (const pages of this.spans.values()) yield* pages;
  }
}
