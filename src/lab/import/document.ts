/** What an import can be asked for, and what it answers. */
import type { Readable, Writable } from 'node:stream';
import type { Warning } from './line-parser.js';
import type { UnplacedLine } from './line-placer.js';

/** The name of stdin among files. */
export const STDIN = '-';

/** Where a trace goes. */
export interface TraceOutput {
  /** What the document calls it. */
  readonly file: string;
  readonly whole: Writable;
  /** What is written first and read then, and nobody sees. */
  readonly body: { readonly sink: Writable; readonly source: () => Readable };
}

export interface ImportOptions {
  /** One; or those of `strace -ff`, NAME.PID. `-` is stdin. */
  readonly files: readonly string[];
  readonly output: TraceOutput;
  readonly geometry: string;
  /** The name of the recorder whose text it is. Null: found out by the first lines. */
  readonly recorder: string | null;
  /** How much counts as used of what is mapped, where faults are not recorded. */
  readonly touch: 'first' | 'all';
  /** Percent of lines that may be unplaced. */
  readonly tolerate: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

export interface ImportProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly lines: number;
  readonly records: number;
}

/** By kind of table. */
interface Pair {
  readonly pte: number;
  readonly pmd: number;
}

export interface ImportDocument {
  readonly schema: 1;
  readonly command: 'import';
  /** Inconclusive: there is a trace, but a warning says why it can't be trusted. */
  readonly verdict: 'holds' | 'inconclusive';
  readonly ok: boolean;
  readonly warnings: readonly Warning[];
  readonly input: {
    readonly files: readonly string[];
    readonly format: string;
    readonly bytes: number;
  };
  readonly output: { readonly file: string; readonly bytes: number };
  readonly geometry: string;
  /** Bytes that a PTE table maps. */
  readonly spanBytes: number;
  readonly faults: 'recorded' | 'assumed';
  /** Null where faults are recorded. */
  readonly touch: 'first' | 'all' | null;
  readonly lines: {
    readonly total: number;
    readonly used: number;
    readonly skipped: number;
    readonly unplaced: number;
    /** Lines that say that the recorder lost events. */
    readonly lost: number;
    /** Lines whose time is before that of the line before. */
    readonly backwards: number;
    /** Actions of tasks that had exited. */
    readonly late: number;
  };
  /** The first of them. */
  readonly unplaced: readonly UnplacedLine[];
  readonly faultLines: number;
  readonly records: number;
  readonly mms: number;
  readonly allocs: Pair;
  readonly frees: Pair;
  readonly peak: Pair;
  readonly seconds: number;
}

/** By kind of table. */
export function pairOf([pte, pmd]: readonly [pte: number, pmd: number]): Pair {
  return { pte, pmd };
}
