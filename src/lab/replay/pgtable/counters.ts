/** What is counted in a replay through page tables, beside what every crew counts. */
import { COUNT } from '../../crew/counters.js';

/** Counters of this crew's own, from COUNT.OWN on. */
type SpaceCounter =
  | ('FAULTS' | 'FORKS' | 'COLLAPSES' | 'SPLITS')
  /** Pages. */
  | 'UNMAPPED'
  /** Walks that found a page, and those that found none. */
  | ('FOUND' | 'NOTHING')
  /** Tables that were made. */
  | 'ALLOCS'
  /** Tables of this mutator's spaces, and the most of everybody's that it saw. */
  | ('LIVE' | 'LIVE_PEAK');

export const SPACE_COUNT: Readonly<Record<SpaceCounter, number>> = {
  FAULTS: COUNT.OWN,
  UNMAPPED: COUNT.OWN + 1,
  FORKS: COUNT.OWN + 2,
  COLLAPSES: COUNT.OWN + 3,
  SPLITS: COUNT.OWN + 4,
  FOUND: COUNT.OWN + 5,
  NOTHING: COUNT.OWN + 6,
  ALLOCS: COUNT.OWN + 7,
  LIVE: COUNT.OWN + 8,
  LIVE_PEAK: COUNT.OWN + 9,
};
