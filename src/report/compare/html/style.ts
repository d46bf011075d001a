/** The style sheet of the HTML report: light, dark, narrow and printed. */
import { BACKGROUND, colourProperties } from './lines.js';

const LIGHT = `color-scheme: light;
  --back: ${BACKGROUND.light}; --text: #1d2126; --quiet: #555d66; --rule: #d9dde2;
  --holds: #12692f; --violated: #a81d1d; --inconclusive: #7a5300; --panel: #f4f6f8;
  ${colourProperties('light')}`;

const DARK = `color-scheme: dark;
  --back: ${BACKGROUND.dark}; --text: #e6e9ed; --quiet: #a4adb8; --rule: #3a4149;
  --holds: #6fd58f; --violated: #ff8a80; --inconclusive: #f0bd5c; --panel: #1e2329;
  ${colourProperties('dark')}`;

export const STYLE: string = `
:root { ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root:not([data-printing]) { ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1rem clamp(0.8rem, 3vw, 2.5rem) 3rem;
  background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0.5rem 0; font-size: 1.5rem; }
h2 { margin: 2.8rem 0 0.2rem; font-size: 1.2rem; overflow-wrap: anywhere; }
p, li { max-width: 48rem; margin: 0.3rem 0; }
a { color: inherit; }
code { font: 0.875em ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet, footer { color: var(--quiet); font-size: 0.875rem; }
.verdict { max-width: 51rem; margin: 1rem 0; padding: 0.6rem 1rem; background: var(--panel);
  border-left: 4px solid var(--mark); }
.verdict strong { color: var(--mark); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; margin: 0; padding: 0;
  list-style: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.3rem; margin: 0.8rem 0 0.2rem; padding: 0;
  border: 0; min-width: 0; font-size: 0.875rem; }
.legend label { display: inline-flex; align-items: center; gap: 0.4rem; min-height: 1.75rem;
  cursor: pointer; }
.legend input { margin: 0; }
.value { color: var(--quiet); min-width: var(--room);
  font-variant-numeric: tabular-nums; text-align: right; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 0.2rem 1rem;
  min-height: 2rem; color: var(--quiet); font-size: 0.875rem; }
button { padding: 0.2rem 0.7rem; border: 1px solid var(--rule); border-radius: 4px;
  background: var(--panel); color: var(--text); font: inherit; cursor: pointer; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr));
  gap: 1rem 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: 0.3rem; font-weight: 600; }
.chart { min-width: 0; overflow: hidden; }
.chart .u-over { cursor: crosshair; }
.chart .u-select { background: color-mix(in srgb, var(--text) 12%, transparent); }
.table { overflow-x: auto; margin-top: 0.6rem; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.u-wrap table { font-size: inherit; }
caption { padding: 0.3rem 0; text-align: left; color: var(--quiet); }
th, td { padding: 0.15rem 0.7rem; text-align: right; font-weight: 400; white-space: nowrap; }
thead th { color: var(--quiet); vertical-align: bottom; white-space: normal; }
th:first-child { text-align: left; }
tbody th[scope="rowgroup"] { padding-top: 0.6rem; font-weight: 600; }
tbody tr:not(.mode):hover { background: var(--panel); }
tr.ours { font-weight: 600; } tr.ours > * { font-weight: inherit; }
th:first-child { position: sticky; left: 0; padding-left: 0; background: var(--back); }
thead tr { border-bottom: 1px solid var(--rule); }
svg.line { flex: none; width: 32px; height: 8px; }
footer { margin-top: 3rem; padding-top: 0.6rem; border-top: 1px solid var(--rule); }
:focus-visible { outline: 2px solid var(--line-common); outline-offset: 2px; }
@media (max-width: 40rem) {
  th, td { padding-inline: 0.45rem; }
  table { font-size: 0.8125rem; }
  .value { min-width: 0; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  .charts { display: block; }
  section { break-before: page; }
  figure, .table, .verdict { break-inside: avoid; }
  section h2 { margin-top: 0; }
  .table { overflow: visible; }
  table { font-size: 9pt; }
  nav, .tools, #scale, .legend input, .value { display: none !important; }
}
`;
