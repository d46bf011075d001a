/**
 * What is counted of a design while it is driven: pages, tables, callbacks, locks, atomics, waits.
 *
 * docs/replay.md says what each figure means. Pairs are by kind, 0 PTE, 1 PMD.
 */
import { Durations } from '../../core/base/durations.js';

export type Pair = [pte: number, pmd: number];

/** By kind, too. What is counted behind that is nobody's. */
export type Work = [pte: number, pmd: number, ...number[]];

export interface Counts {
  /** The trace's clock: set by whoever drives the design, before each step. */
  nowUs: number;
  /** Pages that are held, and those of them in which no table is live. */
  readonly pages: Pair;
  readonly idle: Pair;
  /** How tables were found: in a fresh page or in one that was there. */
  readonly fresh: Pair;
  readonly reused: Pair;
  /** Of `fresh`: those that had a usable page on their list, behind one that was not. */
  readonly blocked: Pair;
  gracePeriods: number;
  /** RCU callbacks that ran: those of tables and pages, and those of mm records. */
  readonly callbacks: Pair;
  mmCallbacks: number;
  /** Locks taken, and atomic read-modify-writes besides. Null: the rule does not say. */
  readonly locks: Work | null;
  readonly atomics: Work | null;
  /** From the moment when a page's last table was freed until the page was given back. */
  readonly back: readonly [pte: Durations, pmd: Durations];
}

/** `work`: where locks and atomics are counted; null if the rule does not say how it is done. */
export function emptyCounts(
  work: { readonly locks: Work; readonly atomics: Work } | null = {
    locks: [0, 0],
    atomics: [0, 0],
  },
): Counts {
  return {
    nowUs: 0,
    pages: [0, 0],
    idle: [0, 0],
    fresh: [0, 0],
    reused: [0, 0],
    blocked: [0, 0],
    gracePeriods: 0,
    callbacks: [0, 0],
    mmCallbacks: 0,
    locks: work?.locks ?? null,
    atomics: work?.atomics ?? null,
    back: [new Durations(), new Durations()],
  };
}

/** All callbacks that ran. */
export function callbacksOf({ callbacks, mmCallbacks }: Counts): number {
  return callbacks[0] + callbacks[1] + mmCallbacks;
}

/** How a page is doing, as far as its counts go. A class: V8 is slow to spread objects. */
export class PageUse {
  readonly kind: 0 | 1;
  /** Live tables in it. */
  live = 0;
  /** When the last of them was freed. */
  idleSinceUs = 0;

  constructor(kind: 0 | 1) {
    this.kind = kind;
  }
}

/** A page is taken from the supply, for its first table. */
export function noteFresh(counts: Counts, page: PageUse): void {
  counts.fresh[page.kind]++;
  counts.pages[page.kind]++;
  page.live = 1;
}

/** A table is found in a page that is there. */
export function noteReused(counts: Counts, page: PageUse): void {
  counts.reused[page.kind]++;
  if (page.live++ === 0) counts.idle[page.kind]--;
}

export function noteFree(counts: Counts, page: PageUse): void {
  if (--page.live > 0) return;
  counts.idle[page.kind]++;
  page.idleSinceUs = counts.nowUs;
}

/** A page without live tables is given back. */
export function noteBack(counts: Counts, page: PageUse): void {
  counts.pages[page.kind]--;
  counts.idle[page.kind]--;
  counts.back[page.kind].add(counts.nowUs - page.idleSinceUs);
}
