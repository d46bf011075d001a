/**
 * What a recording amounts to: how much was allocated and freed, what the recorded kernel held,
 * and what would have been enough.
 *
 * One pass, and memory for what is live: pages and tables are counted, not remembered, except for
 * when a table was freed, until it ends.
 *
 *   kernel   pages that the recorded kernel held, by kind
 *   limit    at each instant the fewest pages that could hold the live tables of each mm
 *   limitAll the fewest that could hold those of all mms, if they shared pages
 *   grace    from a table's free to the end of its grace period, the median, PTE tables only
 *
 * Means are over time, from the first record to the last. A table is live from its allocation to
 * its free; the time it then waits is the price of deferring, not part of the limit.
 */
import { Durations } from '../../core/base/durations.js';
import { type DesignEvent, OP, TRACE_KIND, type TraceKind } from '../trace/event.js';
import type { TraceHeader } from '../trace/form.js';
import { type ReadOptions, readTrace, type TraceFacts } from '../trace/reader.js';
import { type Extent, Level } from './level.js';

export interface TraceSummary {
  readonly facts: TraceFacts;
  /** From the first record to the last. */
  readonly durationUs: number;
  /** By kind. */
  readonly kernel: readonly [pte: Extent, pmd: Extent];
  readonly limit: readonly [pte: Extent, pmd: Extent];
  readonly limitAll: readonly [pte: Extent, pmd: Extent];
  /** Null: no PTE table ended. */
  readonly graceMedianUs: number | null;
  /** The most mms that there were at once. */
  readonly mmsPeak: number;
  /** By kind: frees that are marked as deferred. */
  readonly deferred: readonly [pte: number, pmd: number];
}

export async function summarizeTrace(
  file: string,
  options: ReadOptions = {},
): Promise<TraceSummary> {
  const summarizer = new Summarizer();
  const onHeader = (header: TraceHeader): void => {
    summarizer.begin(header);
    options.onHeader?.(header);
  };
  const facts = await readTrace(file, (event) => summarizer.event(event), { ...options, onHeader });
  return summarizer.finish(facts);
}

/** The consumer behind `summarizeTrace`, for whoever reads a trace for another purpose too. */
export class Summarizer {
  private perPage: readonly [number, number] = [1, 1];
  private readonly kernel = [new Level(), new Level()] as const;
  private readonly limit = [new Level(), new Level()] as const;
  private readonly limitAll = [new Level(), new Level()] as const;
  /** Live tables of each mm, by kind; an mm is here while it has some. */
  private readonly live = [new Map<number, number>(), new Map<number, number>()] as const;
  /** Live tables of all mms, by kind. */
  private readonly liveAll: [number, number] = [0, 0];
  /** When the PTE tables that wait were freed. */
  private readonly freedUs = new Map<number, number>();
  private readonly graces = new Durations();
  private readonly mms = new Level();
  private readonly deferred: [number, number] = [0, 0];

  /** To be called before the first event. */
  begin(header: TraceHeader): void {
    this.perPage = header.perPage;
  }

  event(event: DesignEvent): void {
    switch (event.op) {
      case OP.create:
        this.mms.add(event.timeUs, 1);
        break;
      case OP.destroy:
        this.mms.add(event.timeUs, -1);
        break;
      case OP.pageTaken:
        this.kernel[event.kind].add(event.timeUs, 1);
        break;
      case OP.pageReleased:
        this.kernel[event.kind].add(event.timeUs, -1);
        break;
      case OP.alloc:
        this.changeLive(event, 1);
        break;
      case OP.free:
        this.changeLive(event, -1);
        if (event.deferred === true) this.deferred[event.kind]++;
        if (event.kind === TRACE_KIND.pte) this.freedUs.set(event.table, event.timeUs);
        break;
      case OP.freeNow:
        this.changeLive(event, -1);
        break;
      case OP.ended:
        this.noteEnd(event);
        break;
    }
  }

  /** After the last event: PTE pages, and PTE tables that were freed and have not ended. */
  pteNow(): Readonly<Record<'kernel' | 'limit' | 'limitAll' | 'live' | 'waiting', number>> {
    const [kernel, limit, limitAll] = [this.kernel, this.limit, this.limitAll].map(
      ([pte]) => pte.now,
    ) as [number, number, number];
    return { kernel, limit, limitAll, live: this.liveAll[0], waiting: this.freedUs.size };
  }

  finish(facts: TraceFacts): TraceSummary {
    const { firstUs, lastUs } = facts;
    const over = ([pte, pmd]: readonly [Level, Level]): readonly [pte: Extent, pmd: Extent] => [
      pte.finish(firstUs, lastUs),
      pmd.finish(firstUs, lastUs),
    ];
    return {
      facts,
      durationUs: lastUs - firstUs,
      kernel: over(this.kernel),
      limit: over(this.limit),
      limitAll: over(this.limitAll),
      graceMedianUs: this.graces.median(),
      mmsPeak: this.mms.finish(firstUs, lastUs).peak,
      deferred: this.deferred,
    };
  }

  private changeLive(event: DesignEvent, change: 1 | -1): void {
    const { kind, mm, timeUs } = event;
    const before = this.live[kind].get(mm) ?? 0;
    const after = before + change;
    if (after > 0) this.live[kind].set(mm, after);
    else this.live[kind].delete(mm);
    this.limit[kind].add(timeUs, this.pagesFor(kind, after) - this.pagesFor(kind, before));
    this.liveAll[kind] += change;
    this.limitAll[kind].set(timeUs, this.pagesFor(kind, this.liveAll[kind]));
  }

  private pagesFor(kind: TraceKind, tables: number): number {
    return Math.ceil(tables / this.perPage[kind]);
  }

  private noteEnd(event: DesignEvent): void {
    const freedUs = this.freedUs.get(event.table);
    if (freedUs === undefined) return;
    this.freedUs.delete(event.table);
    this.graces.add(event.timeUs - freedUs);
  }
}
