/** One recording in the HTML report: its legend, its charts and the data behind them. */
import type {
  CompareDocument,
  CompareReference,
  CompareRow,
} from '../../../lab/compare/compare.js';
import { coarser, SPANS, type Spans } from '../../../lab/compare/curve.js';
import type { RunHistory, TraceHistory } from '../../../lab/compare/history.js';
import {
  countOf,
  formatCount,
  formatMean,
  formatRatio,
  formatSeconds,
  formatUs,
} from '../../text.js';
import { designName } from '../names.js';
import { kindTable } from './kind-table.js';
import { type LineStyle, lineStyle, lineStyleOf } from './lines.js';
import { html, type Markup } from './markup.js';
import type { ChartRow, ChartTrace } from './page.js';

/** Spans of a chart: more than one for each few pixels would blur the dashes. */
const CHART_SPANS = 512;

/** A line that holds so many times what the kernel does is hidden at first. */
const TOO_MANY = 4;

type Mode = CompareRow['mode'];

/** One chart for each, in this order; an imported trace has the second only. */
const MODES: readonly Mode[] = ['recorded', 'gp'];

/** One line of the legend. */
interface Line {
  readonly name: string;
  readonly style: LineStyle;
  /** In each chart; null where it is not in it. */
  readonly rows: readonly (Spans | null)[];
  /** Its largest mean, as a multiple of the kernel's; without a kernel not finite. */
  readonly times: number;
}

export interface TraceSection {
  readonly section: Markup;
  readonly data: ChartTrace;
}

export function traceSection(
  document: CompareDocument,
  history: TraceHistory,
  id: string,
): TraceSection {
  const references = document.references.filter(({ trace }) => trace === history.trace);
  const [pte] = references;
  if (pte === undefined) throw new Error(`no reference for ${history.trace}`);
  const modes = MODES.filter((mode) => history.runs.some((run) => run.mode === mode));
  const lines = linesOf(document, history, pte, modes);
  const facts = [pte.geometry, countOf(pte.mms, 'mm'), formatSeconds(pte.seconds)].join(', ');
  const section = html`<section id="${id}">
<h2>${history.trace}</h2>
<p class="quiet">${facts}</p>
${legend(lines)}
${tools()}
<div class="charts">
${modes.map((mode) => {
  const told = tellRows(document, pte, mode);
  return figure(headingOf(mode, history), history.trace, told);
})}
</div>
${references.map((reference) => kindTable(document, reference))}</section>
`;
  return { section, data: chartData(id, history, lines, modes.length) };
}

function headingOf(mode: Mode, { runs }: TraceHistory): string {
  if (mode === 'recorded') return 'Recorded ends';
  return `gp: real grace periods of ${formatUs(runs.find((run) => run.mode === mode)?.gpUs ?? 0)}`;
}

function linesOf(
  document: CompareDocument,
  history: TraceHistory,
  { kernel, limit, limitAll, importedFrom }: CompareReference,
  modes: readonly Mode[],
): Line[] {
  const inEach = (row: Spans): Spans[] => modes.map(() => row);
  const style = lineStyle('kernel');
  const ofKernel = { name: 'recorded kernel', style, rows: inEach(history.kernel), times: 1 };
  const runs = history.runs.filter(({ mode }) => mode === modes[0]);
  return [
    ...(importedFrom === null ? [ofKernel] : []),
    ...runs.map((run) => runLine(document, history, run, kernel.mean)),
    {
      name: 'limit',
      style: lineStyle('limit'),
      rows: inEach(history.limit),
      times: limit.mean / kernel.mean,
    },
    {
      name: 'limit, all',
      style: lineStyle('limit-all'),
      rows: inEach(history.limitAll),
      times: limitAll.mean / kernel.mean,
    },
  ];
}

function runLine(
  document: CompareDocument,
  { trace, runs }: TraceHistory,
  { design, sharing }: RunHistory,
  kernel: number,
): Line {
  const isSame = (other: { design: string; sharing: string | null }): boolean =>
    other.design === design && other.sharing === sharing;
  const means = document.rows
    .filter((row) => row.trace === trace && row.kind === 'pte' && isSame(row))
    .map((row) => row.pages.mean);
  return {
    name: designName({ design, sharing }),
    style: lineStyleOf(design, sharing),
    rows: runs.filter(isSame).map(({ pages }) => pages),
    times: Math.max(...means) / kernel,
  };
}

function isHidden({ times }: Line): boolean {
  return Number.isFinite(times) && times > TOO_MANY;
}

/** Boxes are of use only to the script, which enables them. */
function legend(lines: readonly Line[]): Markup {
  const hidden = lines.filter(isHidden);
  const entries = lines.map((line) => {
    const charts = line.rows.map((row, chart) => valueAt(chart, row));
    const checked = isHidden(line) ? html`` : html` checked`;
    return html`<label><input type="checkbox" autocomplete="off" disabled${checked}>
${swatch(line.style)} ${line.name} ${charts}</label>
`;
  });
  return html`<fieldset class="legend" aria-label="lines to draw">
${entries}</fieldset>
${hidden.length > 0 ? hiddenNote(hidden) : ''}`;
}

function hiddenNote(lines: readonly Line[]): Markup {
  const names = lines.map(({ name, times }) => `${name} (${formatRatio(times, 1)} times)`);
  return html`<p class="quiet">Not drawn at first, so that the others can be told apart, is what
holds far more than the kernel: ${names.join(', ')}.</p>`;
}

/** Room for the largest, so that nothing moves when the script fills it. */
function valueAt(chart: number, row: Spans | null): Markup {
  const columns = formatCount(Math.max(0, ...(row?.high ?? []))).length;
  return html`<span class="value" data-chart="${chart}" style="--room: ${columns}ch"></span>`;
}

function swatch({ key, width, dash }: LineStyle): Markup {
  const stroke = html`stroke="var(--line-${key})" stroke-width="${width}"`;
  const dashes = html`stroke-dasharray="${dash.join(' ')}"`;
  return html`<svg class="line" viewBox="0 0 32 8" aria-hidden="true"><path d="M0 4H32"
 fill="none" ${stroke} ${dashes}/></svg>`;
}

function tools(): Markup {
  return html`<div class="tools"><button type="button" class="whole" hidden>whole recording</button>
<output class="time"></output></div>`;
}

function figure(heading: string, trace: string, told: string): Markup {
  return html`<figure><figcaption>${heading}</figcaption>
<div class="chart" role="img" aria-label="PTE pages over time, ${trace}, ${heading}. ${told}"></div>
</figure>
`;
}

/** A chart for those who can't see it. */
function tellRows(document: CompareDocument, reference: CompareReference, mode: Mode): string {
  const { trace, kind, kernel, limit, limitAll, importedFrom } = reference;
  const rows = document.rows.filter(
    (row) => row.trace === trace && row.kind === kind && row.mode === mode,
  );
  const told = [
    ...(importedFrom === null ? [{ name: 'recorded kernel', ...kernel }] : []),
    ...rows.map((row) => ({ name: designName(row), ...row.pages })),
    { name: 'limit', ...limit },
    { name: 'limit, all', ...limitAll },
  ].map(({ name, mean, peak }) => `${name} ${formatMean(mean)}, ${formatCount(peak)}`);
  return `Mean and peak: ${told.join('; ')}.`;
}

function chartData(
  id: string,
  { durationUs }: TraceHistory,
  lines: readonly Line[],
  charts: number,
): ChartTrace {
  const spanSeconds = durationUs / 1e6 / CHART_SPANS;
  const starts = Array.from({ length: CHART_SPANS + 1 }, (_, at) => round(at * spanSeconds));
  const rowOf = ({ rows }: Line, chart: number): ChartRow => closed(rows[chart] ?? null);
  return {
    id,
    starts,
    lines: lines.map(({ style: { key, width, dash } }) => ({ key, width, dash })),
    charts: Array.from({ length: charts }, (_, chart) => lines.map((line) => rowOf(line, chart))),
  };
}

/** The last span is drawn to its end. */
function closed(spans: Spans | null): ChartRow {
  if (spans === null) return null;
  const { high } = coarser(spans, SPANS / CHART_SPANS);
  return [...high, high.at(-1) ?? 0];
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
