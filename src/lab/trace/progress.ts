/** How far a job is that goes through recordings one by one. */

export interface TraceProgress {
  readonly trace: string;
  /** Of the trace, from 0. */
  readonly index: number;
  readonly traces: number;
  /** How much of this trace is done, 0 to 1. */
  readonly fraction: number;
}
