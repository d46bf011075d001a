/** A torture run for people: what was done, what was seen, and what each number must be. */
import type { TortureDocument } from '../lab/torture/document.js';
import { type Row, table, violationLines } from './figures.js';
import type { Paint } from './paint.js';
import { countOf, formatCount } from './text.js';

export function tortureReport(document: TortureDocument, paint: Paint): string {
  const { threads, readers, seconds, seed, geometry, sharing } = document;
  const facts = [countOf(threads, 'thread'), countOf(readers, 'reader'), `${seconds} s`];
  facts.push(geometry, `sharing ${sharing}`, `seed ${seed}`);
  return [
    `${paint('bold', 'torture')}   ${facts.join('   ')}`,
    '',
    ...table(rowsOf(document)),
  ].join('\n');
}

function rowsOf(document: TortureDocument): Row[] {
  const row = (name: string, value: number | null, what: string): Row => [
    name,
    [value === null ? '-' : formatCount(value), what],
  ];
  const { reads, ages, operations, frees, forks, attaches, gracePeriods } = document;
  const { kills, killsInside, recovered, outOfMemory, leaked, violations } = document;
  return [
    row('readers', reads, 'reads'),
    row('', ages[0], 'in tables that were linked: legal'),
    row('', ages[1], 'in tables freed in this grace period: legal'),
    row('', ages[2], 'in tables freed longer ago: must be 0'),
    row('others', operations, 'operations'),
    row('', frees, 'tables freed'),
    row('', forks, 'forks and exits'),
    row('', attaches, 'times detached and attached again'),
    row('RCU', gracePeriods, 'grace periods'),
    row('kills', kills, 'threads ended'),
    row('', killsInside, 'of them in the middle of something'),
    row('', recovered, 'attached threads recovered'),
    row('memory', outOfMemory, 'times no page was found'),
    row('', leaked, leaked === null ? 'pages leaked: not looked at' : 'pages leaked: must be 0'),
    row('rules', violations.length, 'violated: must be 0'),
  ];
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
  return violationLines(violations);
}
