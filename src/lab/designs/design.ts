/**
 * A design: a set of rules for keeping page tables in pages, driven by the events of a trace.
 *
 * All designs are driven alike, on one thread, so that only their rules differ. When grace periods
 * end is decided outside, in one of two ways:
 *
 *   recorded   each freed table ends when the recording says: `end` for it, then `settle` once
 *              after the record
 *   gp         grace periods of a given length: `beginGrace`, later `endGrace`; what was freed
 *              before one begins ends with it
 *
 * mms and tables are the trace's dense numbers. Kinds: 0 PTE, 1 PMD.
 */
import type { Violation } from '../../core/frag/check.js';
import type { Geometry } from '../../core/pgtable/geometry.js';
import type { Architecture } from './architecture.js';
import type { Counts } from './counts.js';

export type Mode = 'recorded' | 'gp';

/** Whether a partial page serves one mm, or all. */
export type Sharing = 'mm' | 'all';

/** How much a design must have room for. */
export interface Scale {
  /** Pages at once. */
  readonly pages: number;
  /** mms at once, those that are dying included. */
  readonly mms: number;
}

/** How a design is to be driven. */
export interface Setting {
  readonly geometry: Geometry;
  /** Means nothing to a design that has no such choice. */
  readonly sharing: Sharing;
  readonly mode: Mode;
  /** Undefined: as much as any recording needs. */
  readonly scale?: Scale | undefined;
}

/** A design as index.ts lists it: its name, what it fits, and how it is made. */
export interface DesignEntry {
  readonly name: string;
  /** Whose Linux has this rule: it fits recordings of that architecture. Null: of any. */
  readonly architecture: Architecture | null;
  /** It fits recordings of kernels that keep at most so many fragments in a page. */
  readonly perPageMax: number;
  readonly make: (setting: Setting) => Design;
}

export interface Design {
  readonly name: string;
  /** Null where the design has no such choice. */
  readonly sharing: Sharing | null;
  readonly counts: Counts;

  createMm(mm: number): void;
  /** The mm's exit begins: its tables are still there. */
  exitMm(mm: number): void;
  /** The mm has no tables left; its record is freed through RCU too. */
  destroyMm(mm: number): void;
  alloc(mm: number, kind: 0 | 1, table: number): void;
  /** Frees a table that readers may still be in. */
  free(mm: number, kind: 0 | 1, table: number): void;
  /**
   * The same as Linux's pte_free_defer: since 6.6, where there is no batch to put the table in.
   * Only the rules of 6.6 know the difference. Its `end` comes, too, if it was recorded.
   */
  defer(mm: number, kind: 0 | 1, table: number): void;
  /**
   * Frees a table that no reader can reach. True: at once, and `settled` may follow. False: this
   * design makes no difference, and the table waits as after `free`.
   */
  freeNow(mm: number, kind: 0 | 1, table: number): boolean;
  /** The kernel has finished the `freeNow` of a table (s390: it was pending until here). */
  settled(table: number): void;

  /** recorded: the table's grace period is over. Takes effect with `settle` at the latest. */
  end(table: number): void;
  endMm(mm: number): void;
  settle(): void;

  /** gp: whether something waits for a grace period that has not begun. */
  wantsGrace(): boolean;
  beginGrace(): void;
  endGrace(): void;

  /** Frees and drains what is left, and checks every rule that the design can check. */
  finish(): Violation[];
}

/** How many fragments a page has, by kind. */
export function perPageOf({ kinds }: Geometry): number[] {
  return kinds.map(({ perPage }) => perPage);
}
