/** What a replay can be asked for, what it answers, and what it refuses. */
import { UsageError } from '../../core/base/errors.js';
import type { Violation } from '../../core/frag/check.js';
import { type Geometry, geometryNamed } from '../../core/pgtable/geometry.js';
import { REPLAY_THREADS_MAX } from '../crew/control.js';
import { architectureOf } from '../designs/index.js';
import type { TraceHeader } from '../trace/form.js';
import type { TraceFacts } from '../trace/reader.js';

export interface ReplayProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly records: number;
  readonly reads: number;
}

export interface ReplayOptions {
  readonly file: string;
  /** Threads that allocate and free. 1: deterministic. */
  readonly threads: number;
  readonly readers: number;
  readonly design: string;
  readonly sharing: 'mm' | 'all';
  /** Null: that of the recording. */
  readonly geometry: string | null;
  readonly seed: number;
  /** Pages of the heap; null: as many as any recording needs. */
  readonly pages: number | null;
  /** Length of a grace period in microseconds, with one thread; null: recorded ends. */
  readonly gpUs: number | null;
  /** What processes did, through page tables; null: the tables alone. */
  readonly through: 'pgtable' | null;
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

/** What a way of replaying finds out; the rest of the document is the same for both. */
export type ReplayFindings = Pick<
  ReplayDocument,
  'pages' | 'tables' | 'fresh' | 'reused' | 'gracePeriods' | 'callbacks' | 'reads' | 'violations'
> & { readonly facts: TraceFacts; readonly geometry: string };

/** Throws `UsageError` for options that can't be. */
export function checkOptions(options: ReplayOptions): void {
  const { threads, readers, design, geometry, gpUs, pages } = options;
  const refuse = (code: string, message: string): never => {
    throw new UsageError(code, message);
  };
  const total = threads + readers;
  if (!(threads >= 1 && readers >= 0 && Number.isInteger(total) && total <= REPLAY_THREADS_MAX)) {
    const most = `threads from 1, readers from 0, together at most ${REPLAY_THREADS_MAX}`;
    refuse('bad-threads', `${threads} threads and ${readers} readers; expected ${most}`);
  }
  if (options.through !== null) checkThrough(options, refuse);
  else if (threads === 1 && readers > 0) {
    const why = 'with one thread the replay itself decides when grace periods end';
    refuse('readers-need-threads', `readers need at least 2 threads: ${why}`);
  }
  if (options.through === null && threads === 1 && pages !== null) {
    refuse('pages-need-threads', 'a number of pages needs at least 2 threads');
  }
  if (threads > 1 && design !== 'common') {
    refuse('design-needs-one-thread', `on threads only common runs; ${design} needs --threads 1`);
  }
  if (threads > 1 && gpUs !== null) {
    refuse('gp-needs-one-thread', 'on threads grace periods are real; their length needs 1 thread');
  }
  if (gpUs !== null && !(gpUs > 0)) refuse('bad-gp', `a grace period of ${gpUs} us; expected > 0`);
  if (geometry !== null) geometryNamed(geometry);
  architectureOf(design);
}

/** Through page tables there is no replay but on real threads, and one more that collapses. */
function checkThrough(
  { threads, readers, design, geometry, gpUs }: ReplayOptions,
  refuse: (code: string, message: string) => never,
): void {
  if (threads + readers >= REPLAY_THREADS_MAX) {
    const most = `with one that collapses at most ${REPLAY_THREADS_MAX}`;
    refuse('bad-threads', `${threads} threads and ${readers} readers; through page tables ${most}`);
  }
  if (design !== 'common') {
    refuse('through-needs-common', `only common has page tables; ${design} has none`);
  }
  if (geometry !== null || gpUs !== null) {
    const what = geometry === null ? 'grace periods are real' : "geometry is the recording's";
    refuse('through-alone', `through page tables the ${what}`);
  }
}

/** The geometry to replay under; it must have the kinds that the trace has. */
export function geometryFor(header: TraceHeader, override: string | null): Geometry {
  const geometry = geometryNamed(override ?? header.geometry);
  if (header.perPage[1] === 0 || geometry.kinds.length > 1) return geometry;
  const message = `geometry ${geometry.name} has no PMD tables, but the trace does`;
  throw new UsageError('geometry-too-small', message);
}
