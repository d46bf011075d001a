/** A torture run for people: what was done, what was seen, and what each number must be. */
import type { TortureDocument } from '../lab/torture/document.js';
import type { Paint } from './paint.js';
import { countOf, formatCount, padAll } from './text.js';

const VIOLATIONS_SHOWN = 10;
const GAP = '   ';

type Row = readonly [name: string, value: number | null, what: string];

export function tortureReport(document: TortureDocument, paint: Paint): string {
  const { threads, readers, seconds, seed, geometry, sharing } = document;
  const facts = [countOf(threads, 'thread'), countOf(readers, 'reader'), `${seconds} s`];
  facts.push(geometry, `sharing ${sharing}`, `seed ${seed}`);
  return [`${paint('bold', 'torture')}   ${facts.join('   ')}`, '', ...linesOf(document)].join(
    '\n',
  );
}

function rowsOf(document: TortureDocument): Row[] {
  const { reads, ages, operations, frees, forks, attaches, gracePeriods } = document;
  const { kills, killsInside, recovered, outOfMemory, leaked, violations } = document;
  return [
    ['readers', reads, 'reads'],
    ['', ages[0], 'in tables that were linked: legal'],
    ['', ages[1], 'in tables freed in this grace period: legal'],
    ['', ages[2], 'in tables freed longer ago: must be 0'],
    ['others', operations, 'operations'],
    ['', frees, 'tables freed'],
    ['', forks, 'forks and exits'],
    ['', attaches, 'times detached and attached again'],
    ['RCU', gracePeriods, 'grace periods'],
    ['kills', kills, 'threads ended'],
    ['', killsInside, 'of them in the middle of something'],
    ['', recovered, 'attached threads recovered'],
    ['memory', outOfMemory, 'times no page was found'],
    ['', leaked, leaked === null ? 'pages leaked: not looked at' : 'pages leaked: must be 0'],
    ['rules', violations.length, 'violated: must be 0'],
  ];
}

function linesOf(document: TortureDocument): string[] {
  const rows = rowsOf(document);
  const names = padAll(rows.map(([name]) => name));
  const values = rows.map(([, value]) => (value === null ? '-' : formatCount(value)));
  const width = Math.max(...values.map((value) => value.length));
  return rows.map(([, , what], at) => {
    return `${names[at]}${GAP}${(values[at] ?? '').padStart(width)} ${what}`;
  });
}

/** One sentence a line. */
export function tortureVerdict({
  verdict,
  violations,
  unseen,
  seconds,
}: TortureDocument): string[] {
  if (verdict === 'holds') return [`holds: every rule held, for ${seconds} s.`];
  if (verdict === 'inconclusive') {
    return [`inconclusive: nothing broke, but it never saw ${unseen.join(', nor ')}.`];
  }
  const shown = violations
    .slice(0, VIOLATIONS_SHOWN)
    .map(({ rule, detail }) => `${rule}  ${detail}`);
  const left = violations.length - shown.length;
  const rest = left > 0 ? [`and ${formatCount(left)} more; --json lists them all`] : [];
  return [`violated: ${countOf(violations.length, 'violation')}`, ...shown, ...rest];
}
