/** The tables of the HTML report: the figures of the text report, to the letter. */
import type { CompareDocument, CompareReference } from '../../../lab/compare/compare.js';
import { countOf } from '../../text.js';
import { HEADER, sectionsOf } from '../block.js';
import { html, type Markup } from './markup.js';

/** What the table's columns are called; the text report has the same in two lines. */
const COLUMNS = HEADER[0].map((word, at) => `${word} ${HEADER[1][at]}`);

export function kindTable(document: CompareDocument, reference: CompareReference): Markup {
  const { trace, kind, allocations } = reference;
  const rows = document.rows.filter((row) => row.trace === trace && row.kind === kind);
  const title = `${kind.toUpperCase()} tables: ${countOf(allocations, 'allocation')}`;
  const groups = sectionsOf(reference, rows).map(
    ({ heading, lines }) => html`<tbody>
<tr class="mode"><th scope="rowgroup" colspan="${COLUMNS.length + 1}">${heading}</th></tr>
${lines.map(({ name, cells }) => lineRow(name, cells))}</tbody>
`,
  );
  return html`<div class="table" role="region" tabindex="0" aria-label="${trace}: ${title}">
<table><caption>${title}</caption>
<thead><tr><th scope="col">design</th>${COLUMNS.map(columnHead)}</tr></thead>
${groups}</table></div>
`;
}

function columnHead(name: string): Markup {
  return html`<th scope="col">${name}</th>`;
}

function lineRow(name: string, cells: readonly string[]): Markup {
  const row = html`<th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}`;
  return name === 'common' ? html`<tr class="ours">${row}</tr>\n` : html`<tr>${row}</tr>\n`;
}
