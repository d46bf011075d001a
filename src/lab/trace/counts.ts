/** What a trace amounts to in numbers, known when it has been read to its end. */

/** Pairs are by kind. */
export interface TraceCounts {
  lines: number;
  /** Lines that are records: all but the header. */
  records: number;
  mms: number;
  allocs: [pte: number, pmd: number];
  /** Those of `allocs` that took a fresh page. */
  fresh: [pte: number, pmd: number];
  frees: [pte: number, pmd: number];
  freesNow: [pte: number, pmd: number];
  ended: [pte: number, pmd: number];
  /** Records that were left out because they are about mms older than the recording. */
  foreign: number;
  /** Times of the first and the last record, events or not. */
  firstUs: number;
  lastUs: number;
}

export function emptyCounts(): TraceCounts {
  return {
    lines: 0,
    records: 0,
    mms: 0,
    allocs: [0, 0],
    fresh: [0, 0],
    frees: [0, 0],
    freesNow: [0, 0],
    ended: [0, 0],
    foreign: 0,
    firstUs: 0,
    lastUs: 0,
  };
}
