/** A replay for people: what was done, what came of it, and what each number must be. */

import type { ReplayDocument } from '../lab/replay/document.js';
import type { PageTablesDocument } from '../lab/replay/pgtable/document.js';
import { type Cell, type Row, table, violationLines } from './figures.js';
import type { Paint } from './paint.js';
import { countOf, formatCount, formatMean, formatSeconds } from './text.js';

export function replayReport(document: ReplayDocument, name: string, paint: Paint): string {
  const { geometry, design, sharing, threads, readers, seed } = document;
  const facts = [geometry, `${design}, sharing ${sharing}`, countOf(threads, 'thread')];
  facts.push(countOf(readers, 'reader'), `seed ${seed}`);
  const rows = rowsOf(document);
  if (isThrough(document)) rows.splice(-1, 0, ...throughRows(document));
  return [`${paint('bold', name)}   ${facts.join('   ')}`, '', ...table(rows)].join('\n');
}

function isThrough(document: ReplayDocument | PageTablesDocument): document is PageTablesDocument {
  return 'through' in document;
}

/** What was done to page tables, and how many tables of each kind mms were given. */
function throughRows(document: PageTablesDocument): Row[] {
  const { faults, unmapped, forks, collapses, splits, walks, given } = document;
  const cell = (value: number, what: string): Cell => [formatCount(value), what];
  return [
    ['pages', cell(faults, 'faults'), cell(unmapped, 'unmapped'), cell(forks, 'forks')],
    ['spans', cell(collapses, 'collapsed'), cell(splits, 'split')],
    ['walks', cell(walks.found, 'found a frame'), cell(walks.nothing, 'found nothing')],
    ...given.map(
      ({ kind, given: ours, recorded, equal, mms }): Row => [
        `${kind} given`,
        cell(ours, 'here'),
        cell(recorded, 'recorded'),
        cell(equal, `of ${formatCount(mms)} mms alike`),
      ],
    ),
  ];
}

function rowsOf(document: ReplayDocument): Row[] {
  const { trace, pages, tables, fresh, reused, violations } = document;
  const { gracePeriods, callbacks, reads } = document;
  const cell = (value: number, what: string): Cell => [formatCount(value), what];
  return [
    [
      'trace',
      cell(trace.allocs, 'allocations'),
      cell(trace.frees, 'frees'),
      cell(trace.mms, 'mms'),
    ],
    [
      'pages',
      cell(pages.peak, 'peak'),
      [formatMean(pages.mean), 'mean'],
      cell(pages.atEnd, 'at end'),
    ],
    ['tables', cell(tables.peak, 'peak'), cell(fresh, 'in fresh pages'), cell(reused, 'reused')],
    [
      'RCU',
      cell(gracePeriods, 'grace periods'),
      cell(callbacks, 'callbacks'),
      cell(reads, 'reads'),
    ],
    ['rules', cell(violations.length, 'violated: must be 0')],
  ];
}

/** One sentence a line. */
export function replayVerdict({ ok, violations, seconds }: ReplayDocument): string[] {
  if (ok) return [`holds: every rule held, in ${formatSeconds(seconds)}.`];
  return violationLines(violations);
}
