/** The oracle for people: a line for each recording, what differs with its history, the verdict. */

import type { OracleDocument, OracleRow } from '../lab/oracle/ask.js';
import type { Paint } from './paint.js';
import { countOf, formatCount } from './text.js';

const NAME_COLUMNS = 25;
const RULE_COLUMNS = 12;
const NUMBER_COLUMNS = 12;

/** The line above all recordings. */
export function oracleHeader(): string {
  return columns(['recording', 'rule', 'allocations', 'matched', 'list ends', 'pages back']);
}

/** One recording: its figures, what there is to know of them, and its first mismatch. */
export function oracleBlock(row: OracleRow, paint: Paint): string {
  const { trace, design, allocations, matched, lists, releases } = row;
  const line = columns([
    trace,
    design,
    formatCount(allocations),
    shareOf(matched, allocations),
    shareOf(lists.matched, lists.checked),
    shareOf(releases.matched, releases.checked),
  ]);
  const notes = notesOn(row).map((note) => paint('dim', `  ${note}`));
  return [line, ...notes, ...mismatchLines(row, paint)].join('\n');
}

function columns([name = '', rule = '', ...numbers]: readonly string[]): string {
  const cells = numbers.map((number) => number.padStart(NUMBER_COLUMNS));
  return `${name.padEnd(NAME_COLUMNS)} ${rule.padEnd(RULE_COLUMNS)}${cells.join('')}`;
}

/** In percent, rounded down: only all is 100. */
function shareOf(matched: number, checked: number): string {
  if (checked === 0) return '-';
  return `${(Math.floor((1e6 * matched) / checked) / 1e4).toFixed(4)} %`;
}

function notesOn({ moved, swappedCounts }: OracleRow): string[] {
  const notes: string[] = [];
  if (moved > 0) {
    notes.push(`${countOf(moved, 'end')} of a wait happened earlier or later than its record says`);
  }
  if (swappedCounts.length > 0) {
    const places = swappedCounts.map(({ line, page }) => `${line} (${page})`).join(', ');
    notes.push(`${countOf(swappedCounts.length, 'count')} in swapped order, in line ${places}`);
  }
  return notes;
}

function mismatchLines({ firstMismatch, mismatches }: OracleRow, paint: Paint): string[] {
  if (firstMismatch === null) return [];
  const { line, about, mm, kind, kernel, rule, history } = firstMismatch;
  const what = `${mismatches === 1 ? 'the' : 'the first'} mismatch, in line ${line}`;
  const widest = Math.max(...history.map((entry) => entry.what.length));
  const past = history.map((entry) => {
    const list = `list ${entry.list.length > 0 ? entry.list.join(' ') : '-'}`;
    const words = [String(entry.line).padStart(9), entry.what.padEnd(widest), list, ...entry.pages];
    return words.join('  ');
  });
  return [
    `  ${paint('red', what)}: ${about}, mm ${mm}, ${kind.toUpperCase()}`,
    `    kernel  ${kernel}`,
    `    rule    ${rule}`,
    "    before, by line: what the kernel did, the mm's list by the rule, the pages",
    ...past,
  ];
}

/** One sentence a line. */
export function oracleVerdict({ rows, verdict }: OracleDocument): string[] {
  const sum = (count: (row: OracleRow) => number): number =>
    rows.reduce((total, row) => total + count(row), 0);
  const allocations = countOf(
    sum((row) => row.allocations),
    'allocation',
  );
  const of = `${allocations} of ${countOf(rows.length, 'recording')}`;
  if (verdict === 'inconclusive') return ['inconclusive: nothing was allocated in the recordings.'];
  if (verdict === 'holds') {
    const ends = countOf(
      sum((row) => row.lists.checked),
      'list',
    );
    const pages = countOf(
      sum((row) => row.releases.checked),
      'page',
    );
    return [
      `holds: all ${of} are where the rule puts them, fresh or reused, and for its reason.`,
      `So are the ends of ${ends} after a free, and the return of ${pages}.`,
    ];
  }
  const wrong = sum((row) => row.allocations - row.matched);
  const others = sum((row) => row.lists.checked - row.lists.matched);
  const back = sum((row) => row.releases.checked - row.releases.matched);
  return [
    `violated: of ${of} the rule would put ${formatCount(wrong)} elsewhere.`,
    `Apart from that ${countOf(others, 'list')} and ${countOf(back, 'return')} of a page differ.`,
  ];
}
