/**
 * The deterministic replay: one thread, the trace's clock, records in file order.
 *
 * When freed tables end, in mode `recorded`:
 *
 *   freed through RCU       at the table's own recorded end
 *   freed at once, mms too  at the first later end of a table that was itself freed after it; a
 *                           design that frees at once doesn't wait for it
 *
 * After each record whatever ended in it settles: pages' callbacks run. In mode `gp` grace periods
 * take a fixed time, back to back while something waits: one begins right after the record that
 * first asks for it, and when one ends, its callbacks run before the next begins.
 *
 * Pages are counted by kind, waiting tables included. Means are over time, from the first record to
 * the last; then what is left is freed and drained, uncounted.
 */
import type { Design } from '../designs/design.js';
import type { Violation } from '../frag/check.js';
import { OP, type TraceEvent } from './event.js';
import { type Extent, Level } from './level.js';
import type { TraceFacts } from './reader.js';

/** One of the two kinds of a trace, under one design. */
export interface KindResult {
  readonly pages: Extent & { readonly atEnd: number };
  readonly fresh: number;
  readonly reused: number;
}

export interface DesignResult {
  readonly kinds: readonly [pte: KindResult, pmd: KindResult];
  readonly gracePeriods: number;
  readonly callbacks: number;
  readonly violations: readonly Violation[];
}

/** Told what a replay does, as it does it. */
export interface ReplayWatch {
  /** How many PTE pages there are from now on. */
  ptePages(timeUs: number, pages: number): void;
  graceBegins(timeUs: number): void;
}

/** Something that was freed at once: a table, or an mm. */
interface Direct {
  readonly freedAt: number;
  readonly table: number;
  readonly mm: number;
}

const NONE = -1;

/** Drives one design by a trace's events. */
export class DesignReplay {
  readonly design: Design;
  private readonly levels = [new Level(), new Level()] as const;
  /** Position, in records, at which each waiting table was freed. */
  private readonly freedAt = new Map<number, number>();
  /** Oldest first. */
  private readonly direct: Direct[] = [];
  private position = 0;
  private readonly graceUs: number;
  private graceEndsUs = NONE;
  private readonly watch: ReplayWatch | null;

  /** `graceUs`: length of a grace period; 0 for recorded ends. */
  constructor(design: Design, graceUs: number, watch: ReplayWatch | null = null) {
    this.design = design;
    this.graceUs = graceUs;
    this.watch = watch;
  }

  event(event: TraceEvent): void {
    this.position++;
    if (this.graceUs > 0) this.endGraces(event.timeUs);
    this.apply(event);
    if (this.graceUs === 0) this.design.settle();
    else if (this.graceEndsUs === NONE && this.design.wantsGrace()) this.beginGrace(event.timeUs);
    this.measure(event.timeUs);
  }

  private apply(event: TraceEvent): void {
    const { design } = this;
    const { mm, table, kind } = event;
    switch (event.op) {
      case OP.create:
        design.createMm(mm);
        break;
      case OP.exit:
        design.exitMm(mm);
        break;
      case OP.destroy:
        design.destroyMm(mm);
        this.freeDirect(NONE, mm);
        break;
      case OP.alloc:
        design.alloc(mm, kind, table);
        break;
      case OP.free:
        design.free(mm, kind, table);
        if (this.graceUs === 0) this.freedAt.set(table, this.position);
        break;
      case OP.freeNow:
        if (!design.freeNow(mm, kind, table)) this.freeDirect(table, mm);
        break;
      case OP.settled:
        design.settled(table);
        break;
      case OP.ended:
        if (this.graceUs === 0) this.end(table);
        break;
    }
  }

  private freeDirect(table: number, mm: number): void {
    if (this.graceUs === 0) this.direct.push({ freedAt: this.position, table, mm });
  }

  /** A table freed through RCU ends, and with it all that was freed at once before it was. */
  private end(table: number): void {
    const freedAt = this.freedAt.get(table) ?? 0;
    this.freedAt.delete(table);
    let count = 0;
    for (const direct of this.direct) {
      if (direct.freedAt >= freedAt) break;
      if (direct.table === NONE) this.design.endMm(direct.mm);
      else this.design.end(direct.table);
      count++;
    }
    if (count > 0) this.direct.splice(0, count);
    this.design.end(table);
  }

  private beginGrace(timeUs: number): void {
    this.design.beginGrace();
    this.graceEndsUs = timeUs + this.graceUs;
    this.watch?.graceBegins(timeUs);
  }

  private endGraces(nowUs: number): void {
    while (this.graceEndsUs !== NONE && this.graceEndsUs <= nowUs) {
      const endsUs = this.graceEndsUs;
      this.graceEndsUs = NONE;
      this.design.endGrace();
      this.measure(endsUs);
      if (this.design.wantsGrace()) this.beginGrace(endsUs);
    }
  }

  private measure(timeUs: number): void {
    const { pages } = this.design.counts;
    if (pages[0] !== this.levels[0].now) {
      this.levels[0].set(timeUs, pages[0]);
      this.watch?.ptePages(timeUs, pages[0]);
    }
    if (pages[1] !== this.levels[1].now) this.levels[1].set(timeUs, pages[1]);
  }

  finish(facts: TraceFacts): DesignResult {
    if (this.graceUs > 0) this.endGraces(facts.lastUs);
    const kinds: [KindResult, KindResult] = [this.kind(0, facts), this.kind(1, facts)];
    const { gracePeriods, callbacks } = this.design.counts;
    return { kinds, gracePeriods, callbacks, violations: this.design.finish() };
  }

  private kind(kind: 0 | 1, facts: TraceFacts): KindResult {
    const { counts } = this.design;
    const extent = this.levels[kind].finish(facts.firstUs, facts.lastUs);
    return {
      pages: { ...extent, atEnd: counts.pages[kind] },
      fresh: counts.fresh[kind],
      reused: counts.reused[kind],
    };
  }
}
