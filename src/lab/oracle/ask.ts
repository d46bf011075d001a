/** The oracle on files: which rule each recording is held against, and the document of it all. */
import { InputError, UsageError } from '../../core/base/errors.js';
import { geometryNamed } from '../../core/pgtable/geometry.js';
import { makeRule, rulesFor } from '../designs/index.js';
import { requireFit } from '../trace/fit.js';
import type { TraceHeader } from '../trace/form.js';
import type { TraceProgress } from '../trace/progress.js';
import { readTrace } from '../trace/reader.js';
import { type HistoryEntry, historyOf } from './history.js';
import type { Judged, Mismatch } from './judgements.js';
import { Oracle } from './oracle.js';
import type { SwappedCount } from './reference-counts.js';

export interface OracleOptions {
  /** Null: the rule of the kernel that was recorded. */
  readonly design?: string | null | undefined;
  /** What the document calls a file. Default: its path. */
  readonly nameOf?: ((file: string) => string) | undefined;
  /** Stops it: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TraceProgress) => void) | undefined;
  /** Called after each trace with the document of that trace alone. */
  readonly onTrace?: ((document: OracleDocument) => void) | undefined;
}

/** One recording under one rule. */
export interface OracleRow {
  readonly trace: string;
  readonly form: string;
  readonly geometry: string;
  readonly design: string;
  /** Of all kinds. */
  readonly allocations: number;
  readonly matched: number;
  readonly kinds: readonly (Judged & { readonly kind: 'pte' | 'pmd' })[];
  /** List ends after a free; none where the recording has none. */
  readonly lists: Judged;
  readonly releases: Judged;
  /** s390 frag: records of ends that stand elsewhere than what they tell happened. */
  readonly moved: number;
  /** powerpc: counts of references that stand in swapped order. */
  readonly swappedCounts: readonly SwappedCount[];
  /** Of everything that was judged. */
  readonly mismatches: number;
  readonly firstMismatch: (Mismatch & { readonly history: readonly HistoryEntry[] }) | null;
}

/** `trace` to `firstMismatch` are those of the first row. */
export interface OracleDocument
  extends Pick<OracleRow, 'trace' | 'design' | 'allocations' | 'matched' | 'firstMismatch'> {
  readonly schema: 1;
  readonly command: 'oracle';
  /** Inconclusive: in none of the recordings anything was allocated. */
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  readonly ok: boolean;
  readonly rows: readonly OracleRow[];
}

/**
 * Holds each file in turn against a rule. Throws `InputError` for a bad recording, and for one of
 * another architecture than the rule's; `UsageError` for an unknown rule. Takes seconds: call it in
 * a worker.
 */
export async function askOracle(
  files: readonly string[],
  options: OracleOptions = {},
): Promise<OracleDocument> {
  const { nameOf = (file: string): string => file } = options;
  if (files.length === 0) throw new UsageError('no-trace', 'no trace to ask the oracle about');
  const rows: OracleRow[] = [];
  for (const [index, file] of files.entries()) {
    const trace = nameOf(file);
    const report = (fraction: number): void =>
      options.onProgress?.({ trace, index, traces: files.length, fraction });
    const row = await judgeTrace(file, trace, options, report);
    rows.push(row);
    options.onTrace?.(documentOf([row]));
  }
  return documentOf(rows);
}

async function judgeTrace(
  file: string,
  trace: string,
  options: OracleOptions,
  report: (fraction: number) => void,
): Promise<OracleRow> {
  const { signal } = options;
  let design = '';
  let oracle: Oracle | undefined;
  const onHeader = (header: TraceHeader): void => {
    requireKernel(header);
    const geometry = geometryNamed(header.geometry);
    design = options.design ?? (rulesFor(geometry)[0] as string);
    const rule = makeRule(design, geometry);
    requireFit(design, header);
    oracle = new Oracle(rule, header);
  };
  const onProgress = (read: number, total: number): void => report(read / total);
  const { form, geometry } = await readTrace(file, (event) => oracle?.event(event), {
    signal,
    onHeader,
    onProgress,
  });
  if (oracle === undefined) throw new Error('a trace without a header was read to its end');
  oracle.finish();
  const { firstMismatch: first } = oracle.judged;
  const history = first === null ? [] : await historyOf(file, design, first, signal);
  const firstMismatch = first === null ? null : { ...first, history };
  return { trace, form: form.name, geometry, design, ...countsOf(oracle), firstMismatch };
}

/** Throws `InputError` for a trace that has what a program did, and no kernel's pages. */
function requireKernel({ file, form, imported }: TraceHeader): void {
  if (form.hasKernel) return;
  const expected = "a recording of a kernel's fragments";
  const found = imported === null ? 'no kernel was recorded' : `imported from ${imported.source}`;
  const message = `${file}:1: ${found}; expected ${expected}`;
  throw new InputError(message, { code: 'imported', file, line: 1, expected });
}

type OracleCounts = Omit<OracleRow, 'trace' | 'form' | 'geometry' | 'design' | 'firstMismatch'>;

function countsOf(oracle: Oracle): OracleCounts {
  const { allocations: kinds, lists, releases, mismatches } = oracle.judged;
  const [pte, pmd] = kinds;
  return {
    allocations: pte.checked + pmd.checked,
    matched: pte.matched + pmd.matched,
    kinds: [
      { kind: 'pte', ...pte },
      ...(pmd.checked > 0 ? [{ kind: 'pmd' as const, ...pmd }] : []),
    ],
    lists,
    releases,
    moved: oracle.lateEnds.moved,
    swappedCounts: oracle.references.swapped,
    mismatches,
  };
}

function documentOf(rows: readonly OracleRow[]): OracleDocument {
  const { trace, design, allocations, matched, firstMismatch } = rows[0] as OracleRow;
  const isWrong = rows.some((row) => row.mismatches > 0);
  const isEmpty = rows.every((row) => row.allocations === 0);
  const verdict = isWrong ? 'violated' : isEmpty ? 'inconclusive' : 'holds';
  const first = { trace, design, allocations, matched, firstMismatch };
  return { schema: 1, command: 'oracle', verdict, ok: verdict === 'holds', ...first, rows };
}
