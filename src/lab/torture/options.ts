/** What a torture run is asked for, and what its threads are given. */
import type { HeapBuffer } from '../../core/mem/shared.js';

export interface TortureAsked {
  readonly seconds: number;
  /** Threads that change things: the first half of tables, the others of page tables. */
  readonly threads: number;
  readonly readers: number;
  /** Threads that are ended per second, each in the middle of what it does. */
  readonly kill: number;
  /** Share of the time in which somebody has all pages. */
  readonly oom: number;
  readonly geometry: string;
  readonly sharing: 'mm' | 'all';
  readonly seed: number;
}

export type Role = 'churner' | 'pager' | 'reader' | 'hog';

/** What a thread is started with. */
export interface TortureData {
  readonly heap: HeapBuffer;
  readonly control: HeapBuffer;
  readonly board: HeapBuffer;
  readonly role: Role;
  /** Its number: of its counters, and in the stamps of its tables. */
  readonly index: number;
  readonly seed: number;
  /** The mm whose tables churners link in slots, and the space that pagers work on. */
  readonly tables: number;
  readonly space: number;
  readonly oom: number;
}

/** What a thread posts. */
export type TortureMessage =
  | { readonly type: 'at-work' | 'ended' }
  | { readonly type: 'violation'; readonly rule: string; readonly detail: string };

/** What is counted beside what every crew counts: fields from COUNT.OWN on. */
export const TALLY = {
  FREES: 4,
  /** Reads of a table that was linked, or unlinked in this grace period, or longer ago. */
  AGE_LINKED: 5,
  AGE_CURRENT: 6,
  AGE_OLD: 7,
  FORKS: 8,
  /** Times that a thread detached and attached again. */
  ATTACHES: 9,
} as const;

/** Pages of the space that pagers work on. */
export const SPACE_PAGES = 4096;
