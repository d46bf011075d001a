/**
 * What designs save against one of them: PTE or PMD pages, on the same recording in the same mode.
 *
 * A saving sums this up for common: over all recordings of an architecture, with what it costs.
 */
import type { Mode } from '../designs/design.js';
import type { CompareReference, CompareRow } from './document.js';

/** On average. Negative: more is held. */
export interface Saved {
  readonly pages: number;
  readonly bytes: number;
  /** Of what the other holds: 0.5 is half. */
  readonly share: number;
}

export interface TraceSaving extends Saved {
  readonly trace: string;
  /** Mean pages of the design that is compared against, and of common. */
  readonly from: number;
  readonly to: number;
}

/** For each table; null: the rule does not say. */
export interface Cost {
  readonly locks: number | null;
  readonly atomics: number | null;
  /** Pages taken from the supply. */
  readonly fresh: number;
}

/** Of common, sharing `mm`, in PTE pages, on all recordings of one architecture in one mode. */
export interface Saving {
  readonly architecture: string;
  /** Whether its traces are imported ones. */
  readonly imported: boolean;
  readonly mode: Mode;
  readonly against: string;
  /** Whether that is the newest rule of the architecture's Linux. */
  readonly newest: boolean;
  readonly traces: number;
  /** By their shares. */
  readonly least: TraceSaving;
  readonly most: TraceSaving;
  readonly cost: Cost;
  readonly costAgainst: Cost;
}

/** Null: the other design did not run, or held nothing. */
export function savedOf(mean: number, against: number, pageBytes: number): Saved | null {
  if (!(against > 0)) return null;
  const pages = against - mean;
  return { pages, bytes: pages * pageBytes, share: pages / against };
}

/** Mean pages of a design on one trace, kind and mode; not a number where it did not run. */
export function meanOf(
  rows: readonly Pick<CompareRow, 'design' | 'sharing' | 'mode' | 'pages'>[],
  design: string | null,
  mode: Mode,
): number {
  const found = rows.find(
    (row) => row.design === design && row.mode === mode && row.sharing !== 'all',
  );
  return found?.pages.mean ?? Number.NaN;
}

/** One on one trace. */
interface Pair {
  readonly reference: CompareReference;
  readonly ours: CompareRow;
  readonly other: CompareRow;
  readonly saved: Saved;
}

/** By architecture and mode, in the order of the recordings. */
export function savingsOf(
  rows: readonly CompareRow[],
  references: readonly CompareReference[],
): Saving[] {
  const groups = new Map<string, Pair[]>();
  for (const reference of references.filter(({ kind }) => kind === 'pte')) {
    for (const pair of pairsOf(reference, rows)) {
      const { mode, design } = pair.other;
      const key = [architectureIn(reference), reference.importedFrom !== null, mode, design].join();
      groups.set(key, [...(groups.get(key) ?? []), pair]);
    }
  }
  return [...groups.values()].map(savingOf);
}

function pairsOf(reference: CompareReference, rows: readonly CompareRow[]): Pair[] {
  const mine = rows.filter(
    ({ trace, kind, sharing }) =>
      trace === reference.trace && kind === reference.kind && sharing !== 'all',
  );
  return mine.flatMap((ours) => {
    const { design, saved, mode } = ours;
    const isOther = (row: CompareRow): boolean =>
      row.design === reference.against && row.mode === mode;
    const other = mine.find(isOther);
    if (design !== 'common' || saved === null || other === undefined || other === ours) return [];
    return [{ reference, ours, other, saved }];
  });
}

function savingOf(pairs: readonly Pair[]): Saving {
  const { reference, other } = pairs[0] as Pair;
  const each = pairs
    .map(({ ours, other: { pages }, saved }) => {
      return { trace: ours.trace, from: pages.mean, to: ours.pages.mean, ...saved };
    })
    .sort((a, b) => a.share - b.share);
  return {
    architecture: architectureIn(reference),
    imported: reference.importedFrom !== null,
    mode: other.mode,
    against: other.design,
    newest: reference.newestRule === other.design,
    traces: pairs.length,
    least: each[0] as TraceSaving,
    most: each.at(-1) as TraceSaving,
    cost: costOf(pairs.map(({ ours }) => ours)),
    costAgainst: costOf(pairs.map((pair) => pair.other)),
  };
}

/** As the names of geometries and of Linux's rules begin. */
function architectureIn({ geometry }: CompareReference): string {
  return geometry.split('-', 1)[0] as string;
}

function costOf(rows: readonly CompareRow[]): Cost {
  const sum = (pick: (row: CompareRow) => number | null): number =>
    rows.reduce((total, row) => total + (pick(row) ?? Number.NaN), 0);
  const tables = sum(({ fresh, reused }) => fresh + reused);
  const forEach = (pick: (row: CompareRow) => number | null): number | null => {
    const count = sum(pick) / tables;
    return Number.isNaN(count) ? null : count;
  };
  const [locks, atomics] = [forEach((row) => row.locks), forEach((row) => row.atomics)];
  return { locks, atomics, fresh: sum((row) => row.fresh) / tables };
}
