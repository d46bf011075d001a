/**
 * The comparison for people: a block of figures for each trace.
 *
 * The two modes stand side by side where the terminal is wide enough, else one below the other. The
 * kernel and the limits were never driven, so they stand with the recorded ends only.
 */

import type { CompareDocument, CompareReference, CompareRow } from '../../lab/compare/compare.js';
import type { Extent } from '../../lab/compare/level.js';
import type { Saved } from '../../lab/compare/saved.js';
import type { Paint } from '../paint.js';
import {
  alignRight,
  countOf,
  fixed,
  formatCount,
  formatMean,
  formatMib,
  formatSeconds,
  formatShort,
  formatUs,
  padAll,
} from '../text.js';
import { countsTable } from './counts.js';
import { designName } from './names.js';

/** One line of a table. */
export interface Line {
  readonly name: string;
  readonly cells: readonly string[];
}

/** The lines of one mode. */
export interface Section {
  readonly heading: string;
  readonly lines: readonly Line[];
}

export const HEADER = [
  ['pages', 'pages', 'MiB', 'vs', 'saved', 'saved', 'saved', 'tables'],
  ['mean', 'peak', 'mean', 'kernel', 'pages', 'MiB', '%', 'fresh'],
] as const;

const BLANK: readonly string[] = HEADER[0].map(() => '');
const CELL_COLUMNS = 6;
const BETWEEN = '   ';

/** How a trace's block is to look. */
export interface BlockStyle {
  readonly columns: number;
  readonly paint: Paint;
  /** With the second table. */
  readonly counts: boolean;
}

/** A document of one trace: a title, and a table or two for each kind of page table. */
export function traceBlock(
  { references, ...document }: CompareDocument,
  { columns, paint, counts }: BlockStyle,
): string {
  const [first] = references;
  if (first === undefined) throw new Error('no trace to make a block of');
  const tables = references.map((reference) => {
    const rows = document.rows.filter(({ kind }) => kind === reference.kind);
    const pages = kindTable(reference, rows, columns, paint);
    const table = counts ? `${pages}\n${countsTable(reference, rows, paint)}` : pages;
    if (references.length === 1) return table;
    const count = countOf(reference.allocations, 'allocation');
    return `\n${reference.kind.toUpperCase()} tables: ${count}\n${table}`;
  });
  const facts = [first.geometry, countOf(first.mms, 'mm'), formatSeconds(first.seconds)];
  if (first.importedFrom !== null) facts.push(`imported from ${first.importedFrom}`);
  if (references.length === 1) facts.splice(1, 0, countOf(first.allocations, 'allocation'));
  return [`${paint('bold', first.trace)}   ${facts.join('   ')}`, ...tables].join('\n');
}

function kindTable(
  reference: CompareReference,
  rows: readonly CompareRow[],
  columns: number,
  paint: Paint,
): string {
  const sections = sectionsOf(reference, rows);
  const wide = sideBySide(sections);
  const fits = [...wide.header, ...wide.body].every((line) => line.length <= columns);
  const { header, body } = fits ? wide : oneBelowTheOther(sections);
  return [...header.map((line) => paint('dim', line)), ...body].join('\n');
}

export function sectionsOf(reference: CompareReference, rows: readonly CompareRow[]): Section[] {
  const { kernel, limit, limitAll, importedFrom } = reference;
  const { pageBytes } = reference;
  const gpUs = rows.find((row) => row.mode === 'gp')?.gpUs ?? null;
  const lineOf = (row: CompareRow): Line => {
    return { name: designName(row), cells: cellsOf(pageBytes, { ...row, ...row.pages }) };
  };
  const timesOf = ({ mean }: Extent): number | null =>
    kernel.mean > 0 ? mean / kernel.mean : null;
  const limits = [
    { name: 'limit', ...limit },
    { name: 'limit, all', ...limitAll },
  ].map(({ name, ...reached }) => {
    const cells = cellsOf(pageBytes, { ...reached, timesKernel: timesOf(reached), fresh: null });
    return { name, cells };
  });
  const gpHeading = `gp: real grace periods of ${formatUs(gpUs ?? 0)}`;
  const gpLines = rows.filter((row) => row.mode === 'gp').map(lineOf);
  if (importedFrom !== null) return [{ heading: gpHeading, lines: [...gpLines, ...limits] }];
  const held = { ...kernel, timesKernel: timesOf(kernel) };
  const recorded: Section = {
    heading: 'recorded ends',
    lines: [
      { name: 'recorded kernel', cells: cellsOf(pageBytes, held) },
      ...rows.filter((row) => row.mode === 'recorded').map(lineOf),
      ...limits,
    ],
  };
  return gpUs === null ? [recorded] : [recorded, { heading: gpHeading, lines: gpLines }];
}

interface Figures extends Extent {
  readonly timesKernel: number | null;
  readonly saved: Saved | null;
  readonly fresh: number | null;
}

function cellsOf(pageBytes: number, { mean, peak, timesKernel, saved, fresh }: Figures): string[] {
  return [
    formatMean(mean),
    formatCount(peak),
    formatMib(mean * pageBytes),
    timesKernel === null ? '-' : fixed(timesKernel, 2),
    ...savedCells(saved),
    fresh === null ? '' : formatShort(fresh),
  ];
}

function savedCells(saved: Saved | null): string[] {
  if (saved === null) return ['', '', ''];
  return [formatMean(saved.pages), formatMib(saved.bytes), fixed(100 * saved.share, 1)];
}

interface Layout {
  readonly header: readonly string[];
  readonly body: readonly string[];
}

function sideBySide(sections: readonly Section[]): Layout {
  const names = (sections[0] as Section).lines.map(({ name }) => name);
  const nameColumn = padAll(['', '', '', ...names]);
  const blocks = sections.map(({ heading, lines }) => {
    const cells = names.map((name) => lines.find((line) => line.name === name)?.cells ?? BLANK);
    const aligned = alignRight([...HEADER, ...cells], CELL_COLUMNS);
    return [ruled(heading, (aligned[0] as string).length), ...aligned];
  });
  const lines = nameColumn.map((name, at) =>
    [name, ...blocks.map((block) => block[at])].join(BETWEEN).trimEnd(),
  );
  return { header: lines.slice(0, 3), body: lines.slice(3) };
}

/** A heading in the middle of a line. */
function ruled(heading: string, columns: number): string {
  const left = columns - heading.length - 2;
  const before = '-'.repeat(Math.max(0, Math.floor(left / 2)));
  const after = '-'.repeat(Math.max(0, Math.ceil(left / 2)));
  return `${before} ${heading} ${after}`;
}

function oneBelowTheOther(sections: readonly Section[]): Layout {
  const all = sections.flatMap(({ lines }) => lines);
  const names = padAll(['', '', ...all.map(({ name }) => `  ${name}`)]);
  const cells = alignRight([...HEADER, ...all.map((line) => line.cells)], CELL_COLUMNS);
  const lines = names.map((name, at) => `${name}${BETWEEN}${cells[at]}`.trimEnd());
  const header = lines.splice(0, HEADER.length);
  const body = sections.flatMap((section) => [
    section.heading,
    ...lines.splice(0, section.lines.length),
  ]);
  return { header, body };
}
