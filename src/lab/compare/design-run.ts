/**
 * One design driven by the events of a recording: on one thread, by the recording's own clock, in
 * the order of its records. So figures are the same every time.
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
 * A free that is `deferred` ends as any other.
 *
 * Pages are counted by kind, waiting tables included. Means are over time, from the first record to
 * the last; then what is left is freed and drained, uncounted.
 */

import type { Violation } from '../../core/frag/check.js';
import { callbacksOf } from '../designs/counts.js';
import type { Design } from '../designs/design.js';
import { type DesignEvent, OP } from '../trace/event.js';
import { type Extent, Level } from './level.js';

/** One of the two kinds of a trace, under one design. */
export interface KindResult {
  readonly pages: Extent & { readonly atEnd: number };
  /** Those in which no table is live. */
  readonly idle: Extent;
  readonly fresh: number;
  readonly reused: number;
  readonly blocked: number;
  readonly callbacks: number;
  /** Null: the rule does not say. */
  readonly locks: number | null;
  readonly atomics: number | null;
  readonly back: PagesBack;
}

/** Pages that came back, and how long that took from the free that left no table in them. */
export interface PagesBack {
  readonly pages: number;
  /** Null: none came back. */
  readonly p50Us: number | null;
  readonly p99Us: number | null;
}

/** The first and the last instant that figures are about. */
export interface Span {
  readonly firstUs: number;
  readonly lastUs: number;
}

export interface DesignResult {
  readonly kinds: readonly [pte: KindResult, pmd: KindResult];
  readonly gracePeriods: number;
  /** Those of mm records too. */
  readonly callbacks: number;
  readonly violations: readonly Violation[];
}

/** Told what a run does, as it does it. */
export interface RunListener {
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

/** Fewer are not worth moving the rest. */
const DIRECT_DONE_MAX = 1000;

export class DesignRun {
  readonly design: Design;
  private readonly pages = [new Level(), new Level()] as const;
  private readonly idle = [new Level(), new Level()] as const;
  /** Position, in records, at which tables were freed while something in `direct` waited. */
  private readonly freedAt = new Map<number, number>();
  /** Oldest first. */
  private direct: Direct[] = [];
  /** How many of `direct` have ended: taken out when there are many. */
  private directDone = 0;
  private position = 0;
  private readonly graceUs: number;
  private graceEndsUs = NONE;
  private readonly listener: RunListener | null;

  /** `graceUs`: length of a grace period; 0 for recorded ends. */
  constructor(design: Design, graceUs: number, listener: RunListener | null = null) {
    this.design = design;
    this.graceUs = graceUs;
    this.listener = listener;
  }

  event(event: DesignEvent): void {
    this.position++;
    if (this.graceUs > 0) this.endGraces(event.timeUs);
    this.design.counts.nowUs = event.timeUs;
    this.apply(event);
    if (this.graceUs === 0) this.design.settle();
    else if (this.graceEndsUs === NONE && this.design.wantsGrace()) this.beginGrace(event.timeUs);
    this.measure(event.timeUs);
  }

  private apply(event: DesignEvent): void {
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
        if (event.deferred === true) design.defer(mm, kind, table);
        else design.free(mm, kind, table);
        if (this.directDone < this.direct.length) this.freedAt.set(table, this.position);
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
    const { direct } = this;
    let done = this.directDone;
    for (; done < direct.length; done++) {
      const next = direct[done] as Direct;
      if (next.freedAt >= freedAt) break;
      if (next.table === NONE) this.design.endMm(next.mm);
      else this.design.end(next.table);
    }
    this.directDone = done;
    if (done > DIRECT_DONE_MAX && done > direct.length / 2) {
      this.direct = direct.slice(done);
      this.directDone = 0;
    }
    this.design.end(table);
  }

  private beginGrace(timeUs: number): void {
    this.design.beginGrace();
    this.graceEndsUs = timeUs + this.graceUs;
    this.listener?.graceBegins(timeUs);
  }

  private endGraces(nowUs: number): void {
    while (this.graceEndsUs !== NONE && this.graceEndsUs <= nowUs) {
      const endsUs = this.graceEndsUs;
      this.graceEndsUs = NONE;
      this.design.counts.nowUs = endsUs;
      this.design.endGrace();
      this.measure(endsUs);
      if (this.design.wantsGrace()) this.beginGrace(endsUs);
    }
  }

  private measure(timeUs: number): void {
    const { pages, idle } = this.design.counts;
    if (pages[0] !== this.pages[0].now) {
      this.pages[0].set(timeUs, pages[0]);
      this.listener?.ptePages(timeUs, pages[0]);
    }
    if (pages[1] !== this.pages[1].now) this.pages[1].set(timeUs, pages[1]);
    if (idle[0] !== this.idle[0].now) this.idle[0].set(timeUs, idle[0]);
    if (idle[1] !== this.idle[1].now) this.idle[1].set(timeUs, idle[1]);
  }

  finish(span: Span): DesignResult {
    if (this.graceUs > 0) this.endGraces(span.lastUs);
    const kinds: [KindResult, KindResult] = [this.kind(0, span), this.kind(1, span)];
    const { counts } = this.design;
    const { gracePeriods } = counts;
    const callbacks = callbacksOf(counts);
    return { kinds, gracePeriods, callbacks, violations: this.design.finish() };
  }

  private kind(kind: 0 | 1, { firstUs, lastUs }: Span): KindResult {
    const { counts } = this.design;
    const [p50Us = null, p99Us = null] = counts.back[kind].quantiles(0.5, 0.99);
    return {
      pages: { ...this.pages[kind].finish(firstUs, lastUs), atEnd: counts.pages[kind] },
      idle: this.idle[kind].finish(firstUs, lastUs),
      fresh: counts.fresh[kind],
      reused: counts.reused[kind],
      blocked: counts.blocked[kind],
      callbacks: counts.callbacks[kind],
      locks: counts.locks?.[kind] ?? null,
      atomics: counts.atomics?.[kind] ?? null,
      back: { pages: counts.back[kind].total, p50Us, p99Us },
    };
  }
}
