/** The comparison's second table, with `--counts`: what the pages' figures come from. */

import type { CompareReference, CompareRow } from '../../lab/compare/compare.js';
import type { Paint } from '../paint.js';
import { alignRight, formatMean, formatShort, formatUs, padAll } from '../text.js';
import { designName } from './names.js';

const HEADER = [
  ['idle', 'blocked', 'back', 'back', 'grace', 'call-', '', ''],
  ['pages', 'heads', 'p50', 'p99', 'periods', 'backs', 'locks', 'atomics'],
] as const;

const CELL_COLUMNS = 6;
const BETWEEN = '   ';

/** What the columns are. */
export const COUNTS_LEGEND: readonly string[] = [
  'idle pages: pages in which no table is live, on average; only what waits holds them. blocked ' +
    'heads: fresh pages taken past a usable one, behind a pending one. back: from the free of a ' +
    "page's last table to the page's return.",
  'locks, atomics: locks taken, and atomic read-modify-writes besides, in allocs, frees and ' +
    "callbacks, without the page supply's; counted as the code does them, or as Linux's rule " +
    'says. The last line has them for each table.',
];

/** One kind of table: a line for each run, one mode below the other. */
export function countsTable(
  { kind, trace }: CompareReference,
  rows: readonly CompareRow[],
  paint: Paint,
): string {
  const ours = rows.filter((row) => row.trace === trace && row.kind === kind);
  const modes = (['recorded', 'gp'] as const).filter((mode) => ours.some((r) => r.mode === mode));
  const sorted = modes.map((mode) => ours.filter((row) => row.mode === mode));
  const names = padAll(['', '', ...sorted.flat().map((row) => `  ${designName(row)}`)]);
  const cells = alignRight([...HEADER, ...sorted.flat().map(cellsOf)], CELL_COLUMNS);
  const lines = names.map((name, at) => `${name}${BETWEEN}${cells[at]}`.trimEnd());
  const header = lines.splice(0, HEADER.length).map((line) => paint('dim', line));
  const body = sorted.flatMap((section, at) => [
    modes[at] === 'recorded' ? 'recorded ends' : 'gp',
    ...lines.splice(0, section.length),
  ]);
  return [...header, ...body].join('\n');
}

function cellsOf({ idle, blocked, back, ...row }: CompareRow): string[] {
  const count = (value: number | null): string => (value === null ? '' : formatShort(value));
  const time = (us: number | null): string => (us === null ? '' : formatUs(us));
  return [
    formatMean(idle.mean),
    formatShort(blocked),
    time(back.p50Us),
    time(back.p99Us),
    count(row.gracePeriods),
    formatShort(row.callbacks),
    count(row.locks),
    count(row.atomics),
  ];
}

/** Locks and atomics for each PTE table, with recorded ends, of the designs whose rule says. */
export function workForEachTable(rows: readonly CompareRow[]): string[] {
  const counted = rows.filter(
    ({ kind, mode, sharing }) => kind === 'pte' && mode === 'recorded' && sharing !== 'all',
  );
  const words = [...new Set(counted.map(({ design }) => design))].flatMap((design) => {
    const own = counted.filter((row) => row.design === design);
    const sum = (pick: (row: CompareRow) => number | null): number =>
      own.reduce((total, row) => total + (pick(row) ?? Number.NaN), 0);
    const tables = sum(({ fresh, reused }) => fresh + reused);
    const [locks, atomics] = [sum((row) => row.locks) / tables, sum((row) => row.atomics) / tables];
    return locks >= 0 ? [`${design} ${locks.toFixed(1)} + ${atomics.toFixed(1)}`] : [];
  });
  return words.length === 0 ? [] : [`Locks + atomics for each table: ${words.join(', ')}.`];
}
