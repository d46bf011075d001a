/** What a replay answers, whichever of the three it is, and what it is watched by meanwhile. */
import type { Violation } from '../../core/frag/check.js';
import type { TraceFacts } from '../trace/reader.js';

export interface ReplayProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly records: number;
  readonly reads: number;
}

/** What each replay can be given besides what it is asked for. */
export interface ReplayWatch {
  /** Stops it: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined;
}

export interface ReplayDocument {
  readonly command: 'replay';
  readonly verdict: 'holds' | 'violated';
  readonly ok: boolean;
  readonly trace: { file: string; allocs: number; frees: number; mms: number };
  readonly geometry: string;
  readonly design: string;
  readonly sharing: 'mm' | 'all';
  readonly threads: number;
  /** One thread: PTE pages, weighted by the trace's time. More: all pages, sampled. */
  readonly pages: { peak: number; mean: number; atEnd: number };
  readonly tables: { peak: number };
  readonly fresh: number;
  readonly reused: number;
  readonly gracePeriods: number;
  readonly callbacks: number;
  readonly readers: number;
  readonly reads: number;
  readonly seed: number;
  readonly seconds: number;
  readonly violations: readonly Violation[];
}

/** What a replay was asked for. */
export type ReplayAsked = Pick<
  ReplayDocument,
  'design' | 'sharing' | 'threads' | 'readers' | 'seed'
> & { readonly file: string };

/** What a replay finds out. */
export type ReplayFindings = Pick<
  ReplayDocument,
  'pages' | 'tables' | 'fresh' | 'reused' | 'gracePeriods' | 'callbacks' | 'reads' | 'violations'
> & { readonly facts: TraceFacts; readonly geometry: string };

/** The document of a replay that began at `beganMs` (of `performance.now()`) and has just ended. */
export function documentOf<Found extends ReplayFindings>(
  { file, ...asked }: ReplayAsked,
  { facts, ...found }: Found,
  beganMs: number,
): ReplayDocument & Omit<Found, 'facts'> {
  const { allocs, frees, freesNow, mms } = facts;
  const holds = found.violations.length === 0;
  return {
    command: 'replay',
    verdict: holds ? 'holds' : 'violated',
    ok: holds,
    trace: {
      file,
      allocs: allocs[0] + allocs[1],
      frees: frees[0] + frees[1] + freesNow[0] + freesNow[1],
      mms,
    },
    ...found,
    ...asked,
    seconds: (performance.now() - beganMs) / 1000,
  };
}
