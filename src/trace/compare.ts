/**
 * Designs side by side on the same recordings, and the claim that is made for ours.
 *
 * Two passes for each trace. The first finds what the recorded kernel held, what would have been
 * enough, and how long a grace period took; the second drives all designs at once, each once with
 * the recorded ends and once with real grace periods of that length (deterministic.ts says how
 * the two differ).
 *
 * The claim: common, sharing within an mm, holds no more PTE pages on average than the kernel that
 * was recorded, but for 1 % (recorded ends) or 5 % (real grace periods). PMD pages are reported and
 * not judged; neither are imported traces, which have no kernel and no recorded ends.
 */
import { UsageError } from '../base/errors.js';
import type { Sharing } from '../designs/common.js';
import type { Design, Mode } from '../designs/design.js';
import { designsFor, makeDesign } from '../designs/index.js';
import type { Violation } from '../frag/check.js';
import { type Geometry, geometryNamed } from '../pgtable/geometry.js';
import { DesignReplay, type DesignResult, type KindResult } from './deterministic.js';
import { requireFit } from './fit.js';
import { HistoryKeeper, type TraceHistory } from './history.js';
import { IMPORTED_GP_US } from './imported.js';
import type { Extent } from './level.js';
import { readTrace } from './reader.js';
import { summarizeTrace, type TraceSummary } from './summary.js';

export interface CompareOptions {
  /** Designs to set beside common. Null: for each trace all that fit its architecture. */
  readonly designs?: readonly string[] | null | undefined;
  /** Length of real grace periods. Null: as long as they were in each recording. */
  readonly gpUs?: number | null | undefined;
  /** What the document calls a file. Default: its path. */
  readonly nameOf?: ((file: string) => string) | undefined;
  /** Stops it: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CompareProgress) => void) | undefined;
  /** Called after each trace with the document as if it had been the last. */
  readonly onTrace?: ((soFar: CompareDocument) => void) | undefined;
  /** Called after each trace with how its pages changed; without it nothing of that is kept. */
  readonly onHistory?: ((history: TraceHistory) => void) | undefined;
}

export interface CompareProgress {
  readonly trace: string;
  /** Of the trace, from 0. */
  readonly index: number;
  readonly traces: number;
  /** How much of this trace is done, 0 to 1. */
  readonly fraction: number;
}

export type TableKindName = 'pte' | 'pmd';

/** One design on one trace, one kind of table. */
export interface CompareRow {
  readonly trace: string;
  readonly kind: TableKindName;
  readonly geometry: string;
  readonly design: string;
  readonly sharing: Sharing | null;
  readonly mode: Mode;
  /** Null: recorded ends. */
  readonly gpUs: number | null;
  readonly pages: Extent & { readonly atEnd: number };
  readonly bytes: Extent;
  readonly fresh: number;
  readonly reused: number;
}

/** What a trace's designs are held against. */
export interface CompareReference {
  readonly trace: string;
  readonly kind: TableKindName;
  readonly geometry: string;
  readonly pageBytes: number;
  readonly allocations: number;
  readonly mms: number;
  /** From the first record to the last. */
  readonly seconds: number;
  /** Length of the grace periods as recorded. Null: no table of this trace ever ended. */
  readonly recordedGpUs: number | null;
  /** Whose text it was imported from: no kernel was recorded, so `kernel` is 0. Else null. */
  readonly importedFrom: string | null;
  readonly kernel: Extent & { readonly fresh: number; readonly reused: number };
  readonly limit: Extent;
}

/** A part of the claim that does not hold: of `common`, sharing `mm`, PTE tables. */
export interface CompareFailure {
  readonly trace: string;
  readonly mode: Mode;
  readonly mean: number;
  readonly kernel: number;
  /** The most that the claim allows. */
  readonly allowed: number;
}

export interface CompareViolation extends Violation {
  readonly trace: string;
  readonly design: string;
  readonly sharing: Sharing | null;
  readonly mode: Mode;
}

export interface CompareDocument {
  readonly schema: 1;
  readonly command: 'compare';
  /** Inconclusive: no recording has PTE pages to compare. */
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  readonly ok: boolean;
  /** How much more than the kernel common may hold, by mode: 0.01 is 1 %. */
  readonly claim: Readonly<Record<Mode, number>>;
  /** As asked for; null: each recording's own. */
  readonly gpUs: number | null;
  readonly rows: readonly CompareRow[];
  readonly references: readonly CompareReference[];
  readonly failed: readonly CompareFailure[];
  readonly violations: readonly CompareViolation[];
}

const CLAIM: Readonly<Record<Mode, number>> = Object.freeze({ recorded: 0.01, gp: 0.05 });

/** A free waits on average for half of the grace period under way and for all of the next. */
const WAITS_PER_GRACE = 1.5;

const KIND_NAMES = ['pte', 'pmd'] as const;

/** The share of a trace's time that its first pass takes, for progress. */
const FIRST_PASS = 0.15;

/** One design, in one mode, on one trace. */
interface Run {
  readonly design: Design;
  readonly mode: Mode;
  readonly gpUs: number | null;
  readonly replay: DesignReplay;
}

/** What is known when a trace has been done. */
interface TraceResult {
  readonly rows: readonly CompareRow[];
  readonly references: readonly CompareReference[];
  readonly violations: readonly CompareViolation[];
}

/**
 * Compares on each file in turn. Throws `InputError` for a bad recording and `UsageError` for an
 * unknown design. Takes seconds: call it in a worker.
 */
export async function compareTraces(
  files: readonly string[],
  options: CompareOptions = {},
): Promise<CompareDocument> {
  const { gpUs = null, nameOf = (file: string): string => file } = options;
  if (files.length === 0) throw new UsageError('no-trace', 'no trace to compare on');
  if (gpUs !== null && !(gpUs > 0)) {
    throw new UsageError('bad-gp', `a grace period of ${gpUs} us; expected more than 0`);
  }
  const results: TraceResult[] = [];
  for (const [index, file] of files.entries()) {
    const trace = nameOf(file);
    const report = (fraction: number): void =>
      options.onProgress?.({ trace, index, traces: files.length, fraction });
    results.push(await compareTrace(file, trace, options, report));
    options.onTrace?.(documentOf(results, gpUs));
  }
  return documentOf(results, gpUs);
}

async function compareTrace(
  file: string,
  trace: string,
  options: CompareOptions,
  report: (fraction: number) => void,
): Promise<TraceResult> {
  const { signal } = options;
  const summary = await summarizeTrace(file, {
    signal,
    onHeader: (header) => {
      for (const design of options.designs ?? []) requireFit(design, header);
    },
    onProgress: (read, total) => report((FIRST_PASS * read) / total),
  });
  const geometry = geometryNamed(summary.facts.geometry);
  const isImported = summary.facts.imported !== null;
  const gpUs = options.gpUs ?? (isImported ? IMPORTED_GP_US : recordedGpUs(summary));
  // An imported table has no recorded end.
  const lengths = gpUs === null ? [null] : isImported ? [gpUs] : [null, gpUs];
  const { onHistory } = options;
  const history = onHistory === undefined ? null : new HistoryKeeper(trace, summary.facts);
  const runs = startRuns(geometry, options.designs ?? designsFor(geometry), lengths, history);
  const facts = await readTrace(
    file,
    (event) => {
      history?.event(event);
      for (const run of runs) run.replay.event(event);
    },
    {
      signal,
      onProgress: (read, total) => report(FIRST_PASS + ((1 - FIRST_PASS) * read) / total),
    },
  );
  const done = runs.map((run) => ({ run, result: run.replay.finish(facts) }));
  if (history !== null) onHistory?.(history.finish());
  const kinds = facts.allocs[1] > 0 ? ([0, 1] as const) : ([0] as const);
  return {
    rows: kinds.flatMap((kind) =>
      done.map(({ run, result }) => rowOf(trace, geometry, run, kind, result.kinds[kind])),
    ),
    references: kinds.map((kind) => referenceOf(trace, geometry, summary, kind)),
    violations: done.flatMap(({ run, result }) => violationsOf(trace, run, result)),
  };
}

/** The length of a grace period under which tables wait about as long as they did when recorded. */
function recordedGpUs({ graceMedianUs }: TraceSummary): number | null {
  if (graceMedianUs === null) return null;
  return Math.max(1, Math.round(graceMedianUs / WAITS_PER_GRACE));
}

function startRuns(
  geometry: Geometry,
  others: readonly string[],
  lengths: readonly (number | null)[],
  history: HistoryKeeper | null,
): Run[] {
  const contenders: (readonly [design: string, sharing: Sharing])[] = [
    ['common', 'mm'],
    ['common', 'all'],
    ...others.filter((name) => name !== 'common').map((name) => [name, 'mm'] as const),
  ];
  return contenders.flatMap(([name, sharing]) =>
    lengths.map((length) => {
      const mode = length === null ? 'recorded' : 'gp';
      const design = makeDesign(name, geometry, sharing, mode);
      const watch = history?.watch(design, mode, length) ?? null;
      return { design, mode, gpUs: length, replay: new DesignReplay(design, length ?? 0, watch) };
    }),
  );
}

function rowOf(
  trace: string,
  geometry: Geometry,
  { design, mode, gpUs }: Run,
  kind: 0 | 1,
  { pages, fresh, reused }: KindResult,
): CompareRow {
  const { peak, mean } = pages;
  return {
    trace,
    kind: KIND_NAMES[kind],
    geometry: geometry.name,
    design: design.name,
    sharing: design.sharing,
    mode,
    gpUs,
    pages,
    bytes: { peak: peak * geometry.pageBytes, mean: mean * geometry.pageBytes },
    fresh,
    reused,
  };
}

function referenceOf(
  trace: string,
  geometry: Geometry,
  summary: TraceSummary,
  kind: 0 | 1,
): CompareReference {
  const { facts, durationUs, kernel, limit } = summary;
  const [allocations, fresh] = [facts.allocs[kind], facts.fresh[kind]];
  return {
    trace,
    kind: KIND_NAMES[kind],
    geometry: geometry.name,
    pageBytes: geometry.pageBytes,
    allocations,
    mms: facts.mms,
    seconds: durationUs / 1e6,
    recordedGpUs: recordedGpUs(summary),
    importedFrom: facts.imported?.source ?? null,
    kernel: { ...kernel[kind], fresh, reused: allocations - fresh },
    limit: limit[kind],
  };
}

function violationsOf(trace: string, run: Run, { violations }: DesignResult): CompareViolation[] {
  const { name: design, sharing } = run.design;
  return violations.map(({ rule, detail }) => {
    return { trace, design, sharing, mode: run.mode, rule, detail };
  });
}

function documentOf(results: readonly TraceResult[], gpUs: number | null): CompareDocument {
  const rows = results.flatMap((result) => result.rows);
  const references = results.flatMap((result) => result.references);
  const violations = results.flatMap((result) => result.violations);
  const failed = rows.flatMap((row) => failureOf(row, references));
  const isWrong = failed.length + violations.length > 0;
  const judged = references.filter((r) => r.kind === 'pte' && r.importedFrom === null);
  const isEmpty = judged.length > 0 && judged.every(({ kernel }) => kernel.mean === 0);
  const verdict = isWrong ? 'violated' : isEmpty ? 'inconclusive' : 'holds';
  const ok = verdict === 'holds';
  const found = { rows, references, failed, violations };
  return { schema: 1, command: 'compare', verdict, ok, claim: CLAIM, gpUs, ...found };
}

/** Holds one row against the claim. */
function failureOf(row: CompareRow, references: readonly CompareReference[]): CompareFailure[] {
  const { trace, mode, design, sharing, kind } = row;
  if (design !== 'common' || sharing !== 'mm' || kind !== 'pte') return [];
  const reference = references.find((other) => other.trace === trace && other.kind === kind);
  if (reference === undefined) throw new Error(`no reference for ${trace}`);
  if (reference.importedFrom !== null) return [];
  const { mean } = row.pages;
  const kernel = reference.kernel.mean;
  const allowed = kernel * (1 + CLAIM[mode]);
  return mean <= allowed ? [] : [{ trace, mode, mean, kernel, allowed }];
}
