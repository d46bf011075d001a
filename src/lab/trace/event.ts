/**
 * What a recorded workload says, whatever file it came from.
 *
 * A trace is one serial history, in the order of its file. Its events name address spaces (`mm`)
 * and tables (`table`) by dense numbers that the trace's reader gives out, so a consumer indexes
 * arrays with them; `page` and `index` say where the recorded kernel put the table. Nothing here
 * knows a file format: any importer that delivers these events can feed the same consumers.
 *
 * Every consumer may rely on this contract. Whatever the file's form, its reader tells events that
 * keep it, or refuses the line that breaks it.
 *
 *   a table's life    alloc, then free and ended            (freed through RCU)
 *                     alloc, then freeNow, maybe settled    (freed at once)
 *   a page's life     pageTaken (its alloc comes next), maybe counted, then pageReleased
 *   an mm's life      create, exit, destroy
 *
 * - Each step comes at most once, and only after the one before it. A new life has the next number.
 * - An mm has misses and allocs only between its create and its exit, and its tables' frees before
 *   its destroy. Other ends may come after that.
 * - `ended` is the end of that table's own grace period. Forms with a `gpUs` have none.
 * - A recording can stop anywhere: what then lives or waits gets no more events.
 */

/** What happened. Small integers: a consumer switches over them millions of times. */
export const OP = {
  /** An mm was created. */
  create: 0,
  /** The mm's exit begins (the tables are still there). */
  exit: 1,
  /** The mm is gone. All its tables were freed before; some may still wait to be ended. */
  destroy: 2,
  /** The allocator found nothing usable in the mm and goes for a fresh page: `why`. */
  miss: 3,
  /** A table was handed out. */
  alloc: 4,
  /** A table was freed, to be reused only after a grace period. */
  free: 5,
  /** A table was freed at once: no reader could reach it. */
  freeNow: 6,
  /** The grace period of a freed table is over. */
  ended: 7,
  /** The kernel has finished a `freeNow` (s390: the fragment was pending until here). */
  settled: 8,
  /** The kernel took a page for this mm and kind. */
  pageTaken: 9,
  /** The kernel gave the page back. */
  pageReleased: 10,
  /** powerpc: the page's `count` of references, after a table left it. */
  counted: 11,
  /** powerpc: the same after the fragments left it that an exiting mm never handed out. */
  countedRest: 12,
} as const;

export type Op = (typeof OP)[keyof typeof OP];

/** The level of a table: it decides the size of its fragment. */
export const TRACE_KIND = { pte: 0, pmd: 1 } as const;

export type TraceKind = (typeof TRACE_KIND)[keyof typeof TRACE_KIND];

/** Why the kernel took a fresh page. */
export const WHY = {
  /** It didn't, or the recording doesn't say. */
  unknown: 0,
  /** The mm had no page with a fragment left. */
  empty: 1,
  /** s390: the page at the head of the mm's list had a pending fragment. */
  pending: 2,
} as const;

export type Why = (typeof WHY)[keyof typeof WHY];

/** A list end that is not a page. */
export const NO_END = {
  /** The list is empty. */
  empty: -1,
  /** The recording doesn't say. */
  unknown: -2,
} as const;

/** One object is used for all events of a trace: it is valid only during the call. */
export interface TraceEvent {
  readonly op: Op;
  /** Line in the file, from 1. */
  readonly line: number;
  /** Number of the record in the raw recording. Moved records have kept theirs. */
  readonly seq: number;
  /** Microseconds since the recording began: the running maximum, so it never runs backwards. */
  readonly timeUs: number;
  /** The CPU that it happened on; 0 where the form doesn't say. */
  readonly cpu: number;
  /** The address space: 0 for the first that the trace creates. */
  readonly mm: number;
  /** create: the number that the recording calls it by. */
  readonly name: number;
  readonly kind: TraceKind;
  /** The table: its number among all allocations of the trace, from 0. -1: not about a table. */
  readonly table: number;
  /** The page it is in, as the kernel numbers pages. -1: not about a page. */
  readonly page: number;
  /** The fragment in that page. */
  readonly index: number;
  /** alloc: the page is fresh, and this its first table. */
  readonly fresh: boolean;
  /** miss, pageTaken, alloc of a fresh page. */
  readonly why: Why;
  /** pageTaken, alloc of a fresh page: how many of its fragments the kernel could ever hand out. */
  readonly usable: number;
  /** free, freeNow: first and last page of the mm's list after it, or `NO_END`. s390 frag only. */
  readonly first: number;
  readonly last: number;
  /** counted, countedRest. */
  readonly count: number;
  /**
   * miss, s390 frag only: the line in which the call began. What ended between that line and this
   * may have ended after the decision. 0: lines are in the order of what they say.
   */
  readonly since: number;
}

/** What designs are driven by: of an event all that has nothing to do with the kernel's pages. */
export type DesignEvent = Pick<TraceEvent, 'op' | 'timeUs' | 'mm' | 'kind' | 'table'> & {
  /** free: by Linux's pte_free_defer. Recordings have none: `compare --defer` chooses some. */
  readonly deferred?: boolean;
};
