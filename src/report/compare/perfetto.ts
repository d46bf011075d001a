/**
 * The comparison as a trace in the Chrome trace event format, for ui.perfetto.dev and its kin.
 *
 *   process   a recording; its first record is at 0
 *   counter   PTE pages of the recorded kernel, of the limits, of each design in each mode; tables
 *             that are live and that wait, as recorded
 *   thread    the grace periods of a design in gp mode, a slice each
 *
 * Time is cut into spans, as lab/compare/curve.ts says: where a span has more than one value, the
 * most is given at its beginning and the least in its middle.
 */
import { SPANS, type Spans } from '../../lab/compare/curve.js';
import type { RunHistory, TraceHistory } from '../../lab/compare/history.js';
import { designName } from './names.js';

/** An event of the format; times are in microseconds. */
export interface PerfettoEvent {
  /** M metadata, C counter, X slice. */
  readonly ph: 'M' | 'C' | 'X';
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

/** One JSON object, in pieces. */
export function* perfettoTrace(histories: readonly TraceHistory[]): Generator<string> {
  const lost = histories.flatMap(({ trace, runs }) =>
    runs
      .filter(({ gracesLost }) => gracesLost > 0)
      .map((run) => [`${trace}, ${nameOf(run)}`, run.gracesLost] as const),
  );
  const otherData = lost.length > 0 ? { 'grace periods left out': Object.fromEntries(lost) } : {};
  yield `{"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)},"traceEvents":[`;
  let separator = '\n';
  for (const [at, history] of histories.entries()) {
    for (const event of traceEvents(history, at + 1)) {
      yield separator + JSON.stringify(event);
      separator = ',\n';
    }
  }
  yield '\n]}\n';
}

function* traceEvents(history: TraceHistory, pid: number): Generator<PerfettoEvent> {
  const { trace, durationUs, runs } = history;
  yield { ph: 'M', name: 'process_name', pid, args: { name: trace } };
  yield { ph: 'M', name: 'process_sort_index', pid, args: { sort_index: pid } };
  const counter = (name: string, unit: string, spans: Spans): Iterable<PerfettoEvent> =>
    counterEvents({ ph: 'C', name, pid }, unit, spans, durationUs);
  yield* counter('recording', 'live tables', history.live);
  yield* counter('recording', 'waiting tables', history.waiting);
  // No kernel placed the tables of an imported trace.
  const hasKernel = history.kernel.high.some((pages) => pages > 0);
  if (hasKernel) yield* counter('recorded kernel', 'PTE pages', history.kernel);
  yield* counter('limit', 'PTE pages', history.limit);
  yield* counter('limit, all', 'PTE pages', history.limitAll);
  for (const run of runs) yield* counter(nameOf(run), 'PTE pages', run.pages);
  let tid = 1;
  for (const run of runs.filter(({ gpUs }) => gpUs !== null)) {
    yield* graceEvents(run, pid, tid++, durationUs);
  }
}

/** A counter keeps its value until the next event, so only changes are given. */
function* counterEvents(
  event: PerfettoEvent,
  unit: string,
  { low, high }: Spans,
  durationUs: number,
): Generator<PerfettoEvent> {
  const spanUs = durationUs / SPANS;
  let before = Number.NaN;
  for (const [at, most] of high.entries()) {
    for (const [value, part] of [
      [most, 0],
      [low[at] as number, 0.5],
    ] as const) {
      if (value === before) continue;
      yield { ...event, ts: Math.round((at + part) * spanUs), args: { [unit]: value } };
      before = value;
    }
  }
  yield { ...event, ts: durationUs, args: { [unit]: before } };
}

function* graceEvents(
  run: RunHistory,
  pid: number,
  tid: number,
  durationUs: number,
): Generator<PerfettoEvent> {
  const name = `${nameOf(run)}: grace periods`;
  yield { ph: 'M', name: 'thread_name', pid, tid, args: { name } };
  yield { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } };
  for (const ts of run.graces) {
    const dur = Math.min(run.gpUs ?? 0, durationUs - ts);
    yield { ph: 'X', name: 'grace period', pid, tid, ts, dur };
  }
}

function nameOf(run: RunHistory): string {
  return `${designName(run)} (${run.mode})`;
}
