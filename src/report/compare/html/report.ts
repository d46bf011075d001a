/**
 * The comparison as one HTML file that needs nothing else: no network, no other file.
 *
 * Verdict, charts, and the tables of the text report. Its two scripts are uPlot and page.ts; they
 * are handed in, as installed and compiled. A policy in the page allows these two, by their hashes,
 * and no request of any kind.
 */
import type { CompareDocument } from '../../../lab/compare/compare.js';
import type { TraceHistory } from '../../../lab/compare/history.js';
import { compareLegend } from '../legend.js';
import { compareVerdict } from '../verdict.js';
import { html, jsonText, type Markup, rawText } from './markup.js';
import { type TraceSection, traceSection } from './section.js';
import { STYLE } from './style.js';

/** What the page says of how it came to be. */
export interface Origin {
  readonly commandLine: string;
  readonly version: string;
}

/** A script, and its SHA-256 in base64. */
export interface PageScript {
  readonly text: string;
  readonly sha256: string;
}

/** What the page has inline. */
export interface PageScripts {
  /** uPlot. */
  readonly library: {
    readonly script: PageScript;
    readonly style: string;
    readonly licence: string;
  };
  /** page.ts. */
  readonly page: PageScript;
}

const CHART_HELP =
  'A chart shows the PTE pages that each design holds, waiting tables included: fewer are ' +
  'better. Time is cut into 512 equal spans, and a line is at the most of each; the tables have ' +
  'the means. The recorded kernel and the limits are the same in both charts of a recording.';

const CHART_USE =
  'The legend has the pages at the cursor, those of the left or upper chart first. Drag to zoom ' +
  'in, click twice to see all again. A box in the legend hides a line.';

export function htmlReport(
  document: CompareDocument,
  histories: readonly TraceHistory[],
  origin: Origin,
  { library, page: script }: PageScripts,
): string {
  const sections = histories.map((history, at) => traceSection(document, history, `trace-${at}`));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy([library.script, script])}">
<title>ptfrag compare: ${document.verdict}</title>
<style>${rawText(library.style)}${rawText(STYLE)}</style>
</head>
<body>
${header(document, histories)}
<main>
${sections.map(({ section }) => section)}</main>
${footer(origin, library)}
<script type="application/json" id="data">${jsonText(sections.map(dataOf))}</script>
<script>${rawText(library.script.text)}</script>
<script type="module">${rawText(script.text)}</script>
</body>
</html>
`;
  return page.markup;
}

function dataOf({ data }: TraceSection): object {
  return data;
}

function header(document: CompareDocument, histories: readonly TraceHistory[]): Markup {
  const [first = '', ...more] = compareVerdict(document);
  const [, word = '', rest = ''] = /^(\w+)(.*)$/.exec(first) ?? [];
  const links = histories.map(
    ({ trace }, at) => html`<li><a href="#trace-${at}">${trace}</a></li>\n`,
  );
  return html`<header>
<h1>ptfrag compare</h1>
<div class="verdict" style="--mark: var(--${document.verdict})">
<p><strong>${word}</strong>${rest}</p>
${more.map((sentence) => html`<p>${sentence}</p>\n`)}</div>
<nav aria-label="recordings"><ul>
${links}</ul></nav>
<h2>How to read this</h2>
<p>${CHART_HELP}</p>
${compareLegend(document).map((sentence) => html`<p>${sentence}</p>\n`)}
<noscript><p><strong>The charts need JavaScript;</strong> the tables have all figures.</p>
</noscript>
<div id="scale" hidden>
<p>${CHART_USE}</p>
<p><label><input type="checkbox" id="scale-log" autocomplete="off"> logarithmic scale</label></p>
</div>
</header>`;
}

function footer({ commandLine, version }: Origin, { licence }: PageScripts['library']): Markup {
  return html`<footer>
<p>Made by ptfrag ${version}: <code>${commandLine}</code></p>
<details><summary>Charts drawn by uPlot, in this file under its licence</summary>
<p style="white-space: pre-line">${licence}</p></details>
</footer>`;
}

/** Scripts by hash; styles as they are, because charts set theirs as they go. */
function policy(scripts: readonly PageScript[]): string {
  const hashes = scripts.map(({ sha256 }) => `'sha256-${sha256}'`);
  return `default-src 'none'; script-src ${hashes.join(' ')}; style-src 'unsafe-inline'`;
}
