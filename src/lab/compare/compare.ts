/**
 * Designs side by side on the same recordings, and the claim that is made for ours.
 *
 * Each trace is read into memory and gone through several times: once for what the recorded kernel
 * held, what would have been enough, and how long a grace period took; then for one design after
 * the other, each once with the recorded ends and once with real grace periods of that length
 * (deterministic.ts says how the two differ). One at a time, so that with many copies of a
 * recording no more than one design's state is in memory.
 */
import { UsageError } from '../../core/base/errors.js';
import { type Geometry, geometryNamed } from '../../core/pgtable/geometry.js';

import type { Mode, Scale, Sharing } from '../designs/design.js';
import { designsFor, makeDesign, rulesFor } from '../designs/index.js';
import type { DesignEvent } from '../trace/event.js';
import { requireFit } from '../trace/fit.js';
import type { TraceProgress } from '../trace/progress.js';
import { DesignRun } from './design-run.js';
import type { CompareDocument, Measures, Run, TraceResult } from './document.js';
import * as documents from './document.js';
import { HistoryKeeper, type TraceHistory } from './history.js';
import { type Changes, Recording, UNCHANGED } from './recording.js';
import { Summarizer, type TraceSummary } from './summary.js';

export type * from './document.js';

export interface CompareOptions {
  /** Designs to set beside common. Null: for each trace all that fit its architecture. */
  readonly designs?: readonly string[] | null | undefined;
  /** What others' savings are measured against. Null: the newest rule of the recording's Linux. */
  readonly against?: string | null | undefined;
  /** Length of real grace periods. Null: as long as they were in each recording. */
  readonly gpUs?: number | null | undefined;
  /** The share of PTE tables freed through RCU that pte_free_defer frees, and which ones. */
  readonly defer?: number | undefined;
  readonly seed?: number | undefined;
  /** How many copies of each recording are laid over each other. */
  readonly repeat?: number | undefined;
  /** What the document calls a file. Default: its path. */
  readonly nameOf?: ((file: string) => string) | undefined;
  /** Stops it: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TraceProgress) => void) | undefined;
  /** Called after each trace with how its pages changed over time. */
  readonly onHistory?: ((history: TraceHistory) => void) | undefined;
  /** Called after each trace with the document of that trace alone. */
  readonly onTrace?: ((document: CompareDocument) => void) | undefined;
}

/** The share of a trace's time that reading takes, and that the kernel's figures take. */
const READING = 0.1;
const SUMMARY = 0.05;

/** Looks between two turns of the event loop: in it a signal is seen. */
const BATCH = 2 ** 16;

/** One design to be driven, in one mode. */
type Plan = Omit<Run, 'result'> & { readonly sharing: Sharing };

/**
 * Compares on each file in turn. Throws `InputError` for a bad recording and `UsageError` for an
 * unknown design or what can't be asked for. Takes seconds: call it in a worker.
 */
export async function compareTraces(
  files: readonly string[],
  options: CompareOptions = {},
): Promise<CompareDocument> {
  const { gpUs = null, against = null, nameOf = (file: string): string => file } = options;
  const changes = changesOf(options);
  if (files.length === 0) throw new UsageError('no-trace', 'no trace to compare on');
  if (gpUs !== null && !(gpUs > 0)) {
    throw new UsageError('bad-gp', `a grace period of ${gpUs} us; expected more than 0`);
  }
  const asked = { gpUs, against, ...changes };
  const results: TraceResult[] = [];
  for (const [index, file] of files.entries()) {
    const trace = nameOf(file);
    const report = (fraction: number): void =>
      options.onProgress?.({ trace, index, traces: files.length, fraction });
    const result = await compareTrace(file, trace, options, changes, report);
    results.push(result);
    options.onTrace?.(documents.documentOf([result], asked));
  }
  return documents.documentOf(results, asked);
}

function changesOf(options: CompareOptions): Changes {
  const { defer = 0, seed = UNCHANGED.seed, repeat = 1 } = options;
  if (!(defer >= 0 && defer <= 1)) {
    throw new UsageError('bad-defer', `a share of ${defer} of the frees; expected 0 to 1`);
  }
  if (!(Number.isInteger(repeat) && repeat >= 1)) {
    throw new UsageError('bad-repeat', `${repeat} copies; expected a whole number from 1`);
  }
  return { defer, seed, repeat };
}

async function compareTrace(
  file: string,
  trace: string,
  options: CompareOptions,
  changes: Changes,
  report: (fraction: number) => void,
): Promise<TraceResult> {
  const { signal, designs = null, against = null } = options;
  const recording = await Recording.read(file, changes, {
    signal,
    onHeader: (header) => {
      const asked = [...(designs ?? []), ...(against === null ? [] : [against])];
      for (const design of asked) requireFit(design, header);
    },
    onProgress: (read, total) => report((READING * read) / total),
  });
  const drive = (
    onEvent: (event: DesignEvent) => void,
    from: number,
    share: number,
  ): Promise<void> => driveAll(recording, onEvent, signal, (done) => report(from + share * done));
  const history = options.onHistory === undefined ? null : new HistoryKeeper(trace, recording);
  const summary = await summarize(recording, history, (onEvent) =>
    drive(onEvent, READING, SUMMARY),
  );
  const geometry = geometryNamed(recording.facts.geometry);
  const measures = measuresOf(recording, geometry, against);
  const { kernelRule, against: other } = measures;
  const measured = [kernelRule, other].filter((name) => name !== null);
  const others = [...(designs ?? designsFor(geometry)), ...measured];
  const plans = plansFor(others, lengthsOf(summary, options));
  const share = (1 - READING - SUMMARY) / plans.length;
  const runs: Run[] = [];
  for (const plan of plans) {
    const run = startRun(plan, geometry, recording, history);
    await drive((event) => run.event(event), READING + SUMMARY + runs.length * share, share);
    const { name: design, sharing } = run.design;
    runs.push({ ...plan, design, sharing, result: run.finish(recording) });
  }
  if (history !== null) options.onHistory?.(history.finish());
  return documents.resultOf(trace, geometry, recording, summary, runs, measures);
}

function measuresOf({ facts }: Recording, geometry: Geometry, asked: string | null): Measures {
  const rules = rulesFor(geometry);
  const newestRule = rules.at(-1) ?? null;
  const kernelRule = facts.form.hasKernel ? (rules[0] ?? null) : null;
  return { kernelRule, newestRule, against: asked ?? newestRule };
}

/** Lengths of grace periods to drive designs with; null: recorded ends, if the form has them. */
function lengthsOf(summary: TraceSummary, options: CompareOptions): readonly (number | null)[] {
  const { gpUs: ofForm } = summary.facts.form;
  if (ofForm !== null) return [options.gpUs ?? ofForm];
  const gpUs = options.gpUs ?? documents.recordedGpUs(summary);
  return gpUs === null ? [null] : [null, gpUs];
}

async function summarize(
  { facts, firstUs, lastUs }: Recording,
  history: HistoryKeeper | null,
  drive: (onEvent: (event: DesignEvent) => void) => Promise<void>,
): Promise<TraceSummary> {
  const summarizer = new Summarizer();
  summarizer.begin(facts);
  await drive((event) => {
    summarizer.event(event);
    history?.event(event);
  });
  return summarizer.finish({ ...facts, firstUs, lastUs });
}

/** common with each way of sharing, then the others once, all in each mode that the trace has. */
function plansFor(others: readonly string[], lengths: readonly (number | null)[]): Plan[] {
  const contenders: (readonly [design: string, sharing: Sharing])[] = [
    ['common', 'mm'],
    ['common', 'all'],
    ...[...new Set(others)]
      .filter((name) => name !== 'common')
      .map((name) => [name, 'mm'] as const),
  ];
  return contenders.flatMap(([design, sharing]) =>
    lengths.map((length) => {
      const mode: Mode = length === null ? 'recorded' : 'gp';
      return { design, sharing, mode, gpUs: length };
    }),
  );
}

function startRun(
  plan: Plan,
  geometry: Geometry,
  { facts, changes }: Recording,
  history: HistoryKeeper | null,
): DesignRun {
  // No page is held without a table that was once allocated from it.
  const scale: Scale = {
    pages: changes.repeat * (facts.allocs[0] + facts.allocs[1]),
    mms: changes.repeat * facts.mms,
  };
  const design = makeDesign(plan.design, geometry, plan.sharing, plan.mode, scale);
  const listener = history?.listenerTo(design, plan.mode, plan.gpUs) ?? null;
  return new DesignRun(design, plan.gpUs ?? 0, listener);
}

/** Goes through the whole recording, a batch at a time. */
async function driveAll(
  recording: Recording,
  onEvent: (event: DesignEvent) => void,
  signal: AbortSignal | undefined,
  report: (fraction: number) => void,
): Promise<void> {
  const { looks } = recording;
  for (let done = 0; done < looks; done += BATCH) {
    recording.drive(onEvent, done, Math.min(done + BATCH, looks));
    report(Math.min(1, (done + BATCH) / looks));
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
