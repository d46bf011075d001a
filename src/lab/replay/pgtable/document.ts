/** What a replay through page tables answers. */
import type { ReplayDocument } from '../document.js';
import type { TablesCompared } from './given.js';

/** What such a replay says beside what all replays do. */
export interface PageTablesFindings {
  readonly through: 'pgtable';
  readonly faults: number;
  /** Pages. */
  readonly unmapped: number;
  readonly forks: number;
  readonly collapses: number;
  readonly splits: number;
  readonly walks: { readonly found: number; readonly nothing: number };
  /** Tables that mms were given, beside what was recorded. */
  readonly given: readonly TablesCompared[];
}

/** The document of such a replay. */
export type PageTablesDocument = ReplayDocument & PageTablesFindings;
