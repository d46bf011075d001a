/**
 * The document of a comparison: what is in it, and how it is made of what the runs found.
 *
 * The claim: common, sharing within an mm, holds no more PTE pages on average than the kernel that
 * was recorded, but for 1 %. In gp mode, whose grace periods the kernel did not have, its own rule
 * stands for the kernel. PMD pages are reported and not judged; neither are imported traces, which
 * have no kernel and no recorded ends.
 */

import type { Violation } from '../../core/frag/check.js';
import type { Geometry } from '../../core/pgtable/geometry.js';

import type { Mode, Sharing } from '../designs/design.js';
import type { TraceHeader } from '../trace/form.js';
import type { DesignResult, KindResult, PagesBack } from './design-run.js';
import type { Extent } from './level.js';
import type { Changes, Recording } from './recording.js';
import { meanOf, type Saved, type Saving, savedOf, savingsOf } from './saved.js';
import type { TraceSummary } from './summary.js';

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
  /** Mean pages as a multiple of the kernel's, in gp mode of its rule's. Null: of nothing. */
  readonly timesKernel: number | null;
  /** Null: the design that is compared against holds nothing, or there is none. */
  readonly saved: Saved | null;
  readonly fresh: number;
  readonly reused: number;
  /** Pages in which no table is live: only fragments that wait hold them. */
  readonly idle: Extent;
  /** Of `fresh`: the list had a usable page, behind one that was pending. */
  readonly blocked: number;
  /** Null: recorded ends, where none is counted. */
  readonly gracePeriods: number | null;
  readonly callbacks: number;
  /** Null: the rule does not say. */
  readonly locks: number | null;
  readonly atomics: number | null;
  /** From the free that left no table in a page until the page was given back. */
  readonly back: PagesBack;
}

/** What a trace's designs are held against. */
export interface CompareReference {
  readonly trace: string;
  readonly kind: TableKindName;
  readonly geometry: string;
  readonly pageBytes: number;
  readonly allocations: number;
  readonly mms: number;
  /** The most that there were at once. */
  readonly mmsPeak: number;
  /** Tables that were freed through RCU, and how many of these frees were deferred. */
  readonly frees: number;
  readonly deferred: number;
  /** From the first record to the last. */
  readonly seconds: number;
  /** Length of the grace periods as recorded. Null: no table of this trace ever ended. */
  readonly recordedGpUs: number | null;
  /** The recorder whose text it was imported from; null: a kernel was recorded. */
  readonly importedFrom: string | null;
  /** The rule that stands for the kernel in gp mode. Null: there was no kernel. */
  readonly kernelRule: string | null;
  /** The newest rule of the architecture's Linux. Null: none is known for the geometry. */
  readonly newestRule: string | null;
  /** The design that `saved` is about. */
  readonly against: string | null;
  readonly kernel: Reached & { readonly fresh: number; readonly reused: number };
  /** The fewest pages that would do: if no page served two mms, and if any page served all. */
  readonly limit: Reached;
  readonly limitAll: Reached;
}

/** `saved` is in the first mode that the trace has; of a kernel that was not there it is null. */
type Reached = Extent & { readonly saved: Saved | null };

/** A part of the claim that does not hold: of `common`, sharing `mm`, PTE tables. */
export interface CompareFailure {
  readonly trace: string;
  readonly mode: Mode;
  readonly mean: number;
  /** In gp mode the kernel's rule. */
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
  /** As asked for; null: the newest rule of each recording's Linux. */
  readonly against: string | null;
  /** As asked for: the share of frees that are deferred, which ones, copies of each recording. */
  readonly defer: number;
  readonly seed: number;
  readonly repeat: number;
  readonly rows: readonly CompareRow[];
  readonly references: readonly CompareReference[];
  readonly savings: readonly Saving[];
  readonly failed: readonly CompareFailure[];
  readonly violations: readonly CompareViolation[];
}

const CLAIM: Readonly<Record<Mode, number>> = Object.freeze({ recorded: 0.01, gp: 0.01 });

/** A free waits on average for half of the grace period under way and for all of the next. */
const WAITS_PER_GRACE = 1.5;

const KIND_NAMES = ['pte', 'pmd'] as const;

/** One design, in one mode, on one trace. */
export interface Run {
  readonly design: string;
  readonly sharing: Sharing | null;
  readonly mode: Mode;
  readonly gpUs: number | null;
  readonly result: DesignResult;
}

/** Designs that figures of a trace are ratios to, besides what was recorded. */
export type Measures = Pick<CompareReference, 'kernelRule' | 'newestRule' | 'against'>;

/** What is known when a trace has been done. */
export interface TraceResult {
  readonly rows: readonly CompareRow[];
  readonly references: readonly CompareReference[];
  readonly violations: readonly CompareViolation[];
}

/** The length of a grace period under which tables wait about as long as they did when recorded. */
export function recordedGpUs({ graceMedianUs }: TraceSummary): number | null {
  if (graceMedianUs === null) return null;
  return Math.max(1, Math.round(graceMedianUs / WAITS_PER_GRACE));
}

/** What one trace's runs amount to. */
export function resultOf(
  trace: string,
  geometry: Geometry,
  recording: Recording,
  summary: TraceSummary,
  runs: readonly Run[],
  measures: Measures,
): TraceResult {
  const kinds = recording.facts.allocs[1] > 0 ? ([0, 1] as const) : ([0] as const);
  const each = kinds.map((kind) => {
    const ran = runs.map((run) => rowOf(trace, geometry, run, kind, run.result.kinds[kind]));
    const facts = { ...factsOf(trace, geometry, recording, summary, kind), ...measures };
    const reference = { ...facts, ...reachedOf(facts, recording, summary, kind, ran) };
    return { reference, rows: ran.map((row) => ({ ...row, ...ratiosOf(row, reference, ran) })) };
  });
  return {
    rows: each.flatMap(({ rows }) => rows),
    references: each.map(({ reference }) => reference),
    violations: runs.flatMap((run) => violationsOf(trace, run)),
  };
}

type Ran = Omit<CompareRow, 'timesKernel' | 'saved'>;

function rowOf(
  trace: string,
  { name: geometry, pageBytes }: Geometry,
  { design, sharing, mode, gpUs, result }: Run,
  kind: 0 | 1,
  { pages, ...counts }: KindResult,
): Ran {
  const { peak, mean } = pages;
  const gracePeriods = gpUs === null ? null : result.gracePeriods;
  const bytes = { peak: peak * pageBytes, mean: mean * pageBytes };
  const which = { trace, kind: KIND_NAMES[kind], geometry, design, sharing, mode, gpUs };
  return { ...which, pages, bytes, gracePeriods, ...counts };
}

function ratiosOf(
  { mode, pages: { mean } }: Ran,
  { kernel, kernelRule, against, pageBytes }: CompareReference,
  ran: readonly Ran[],
): Pick<CompareRow, 'timesKernel' | 'saved'> {
  const whole = mode === 'recorded' ? kernel.mean : meanOf(ran, kernelRule, mode);
  return {
    timesKernel: whole > 0 ? mean / whole : null,
    saved: savedOf(mean, meanOf(ran, against, mode), pageBytes),
  };
}

type What = 'kernel' | 'limit' | 'limitAll';

function factsOf(
  trace: string,
  geometry: Geometry,
  { facts, changes, firstUs, lastUs }: Recording,
  summary: TraceSummary,
  kind: 0 | 1,
): Omit<CompareReference, What | keyof Measures> {
  return {
    trace,
    kind: KIND_NAMES[kind],
    geometry: geometry.name,
    pageBytes: geometry.pageBytes,
    allocations: changes.repeat * facts.allocs[kind],
    mms: changes.repeat * facts.mms,
    mmsPeak: summary.mmsPeak,
    frees: changes.repeat * facts.frees[kind],
    deferred: summary.deferred[kind],
    seconds: (lastUs - firstUs) / 1e6,
    recordedGpUs: recordedGpUs(summary),
    importedFrom: importedFrom(facts),
  };
}

/** What no design was driven for. */
function reachedOf(
  { against, importedFrom: source, pageBytes, allocations }: Omit<CompareReference, What>,
  { facts, changes }: Recording,
  { kernel, limit, limitAll }: TraceSummary,
  kind: 0 | 1,
  ran: readonly Ran[],
): Pick<CompareReference, What> {
  const fresh = changes.repeat * facts.fresh[kind];
  const whole = meanOf(ran, against, source === null ? 'recorded' : 'gp');
  const reached = (extent: Extent): Reached => {
    return { ...extent, saved: savedOf(extent.mean, whole, pageBytes) };
  };
  const held = source === null ? reached(kernel[kind]) : { ...kernel[kind], saved: null };
  return {
    kernel: { ...held, fresh, reused: allocations - fresh },
    limit: reached(limit[kind]),
    limitAll: reached(limitAll[kind]),
  };
}

function importedFrom({ form, imported }: TraceHeader): string | null {
  return form.hasKernel ? null : (imported?.source ?? form.name);
}

function violationsOf(trace: string, { design, sharing, mode, result }: Run): CompareViolation[] {
  return result.violations.map(({ rule, detail }) => {
    return { trace, design, sharing, mode, rule, detail };
  });
}

/** What was asked for, of what the document says again. */
export type Asked = Changes & Pick<CompareDocument, 'gpUs' | 'against'>;

export function documentOf(
  results: readonly TraceResult[],
  { gpUs, against, defer, seed, repeat }: Asked,
): CompareDocument {
  const rows = results.flatMap((result) => result.rows);
  const references = results.flatMap((result) => result.references);
  const violations = results.flatMap((result) => result.violations);
  const failed = rows.flatMap(failureOf);
  const isWrong = failed.length + violations.length > 0;
  const judged = references.filter((r) => r.kind === 'pte' && r.importedFrom === null);
  const isEmpty = judged.length > 0 && judged.every(({ kernel }) => kernel.mean === 0);
  const verdict = isWrong ? 'violated' : isEmpty ? 'inconclusive' : 'holds';
  const ok = verdict === 'holds';
  const asked = { claim: CLAIM, gpUs, against, defer, seed, repeat };
  const found = { rows, references, savings: savingsOf(rows, references), failed, violations };
  return { schema: 1, command: 'compare', verdict, ok, ...asked, ...found };
}

/** Holds one row against the claim. */
function failureOf({ timesKernel, ...row }: CompareRow): CompareFailure[] {
  const { trace, mode, design, sharing, kind } = row;
  if (design !== 'common' || sharing !== 'mm' || kind !== 'pte' || timesKernel === null) return [];
  const { mean } = row.pages;
  const kernel = mean / timesKernel;
  const allowed = kernel * (1 + CLAIM[mode]);
  return mean <= allowed ? [] : [{ trace, mode, mean, kernel, allowed }];
}
