/** How many tables each mm was given: by the recorded kernel, and here. */
import type { Memory } from '../../../core/mem/memory.js';
import { OP } from '../../trace/event.js';
import { type ReadOptions, readTrace, type TraceFacts } from '../../trace/reader.js';
import { LEVELS_COUNTED, MM_WORDS, mmWord } from './board.js';
import type { Workload } from './workload.js';

/** How many tables of each kind. */
type Tables = [pte: number, pmd: number];

export interface Recorded {
  readonly facts: TraceFacts;
  /** By the number that the recording calls an mm. */
  readonly given: ReadonlyMap<number, Tables>;
}

/** What one mm was given. */
interface Row {
  readonly mm: string;
  readonly recorded: number;
  readonly given: number;
  /** What Linux's rule gives for the same; null: not known. */
  readonly linux: number | null;
}

/** One kind of table, over all mms that the recording saw created. */
export interface TablesCompared {
  readonly kind: 'pte' | 'pmd';
  readonly mms: number;
  /** Mms that were given the same number as recorded. */
  readonly equal: number;
  readonly recorded: number;
  readonly given: number;
  /** Of what was given less what was recorded, over all mms. */
  readonly meanDifference: number;
  /** By Linux's rule: what mms are given in all, and how many of them what was recorded. */
  readonly linux: { readonly given: number; readonly equal: number } | null;
  /** Where they differ most. */
  readonly largest: readonly Row[];
}

const KINDS = ['pte', 'pmd'] as const;
const LARGEST_SHOWN = 5;

export async function readRecorded(
  file: string,
  options: Omit<ReadOptions, 'onHeader'>,
): Promise<Recorded> {
  const given = new Map<number, Tables>();
  const byMm: Tables[] = [];
  const facts = await readTrace(
    file,
    ({ op, mm, name, kind }) => {
      if (op === OP.create) {
        byMm[mm] = [0, 0];
        given.set(name, byMm[mm] as Tables);
      } else if (op === OP.alloc) (byMm[mm] as Tables)[kind]++;
    },
    options,
  );
  return { facts, given };
}

export function compareGiven(
  { facts, given }: Recorded,
  board: Memory,
  { names, linux, knowsRegions }: Workload,
): TablesCompared[] {
  const kinds = KINDS.slice(0, LEVELS_COUNTED).filter((_, kind) => facts.perPage[kind] !== 0);
  const isKnown = (level: number): boolean => level === 0 && knowsRegions;
  return kinds.map((kind, level) => {
    const rows = [...given].map(([name, counts]) => {
      const mm = names.get(name);
      const ours = mm === undefined ? 0 : board.load(mmWord(mm, MM_WORDS.TABLES + level));
      const byLinux = mm === undefined ? 0 : linux.given(mm);
      const recorded = counts[level] as number;
      return { mm: `m${name}`, recorded, given: ours, linux: isKnown(level) ? byLinux : null };
    });
    return { kind, ...summary(rows) };
  });
}

function summary(rows: readonly Row[]): Omit<TablesCompared, 'kind'> {
  const sum = (field: 'recorded' | 'given' | 'linux'): number =>
    rows.reduce((total, row) => total + (row[field] ?? 0), 0);
  const [recorded, given, mms] = [sum('recorded'), sum('given'), rows.length];
  const equal = (field: 'given' | 'linux'): number =>
    rows.filter((row) => row[field] === row.recorded).length;
  const off = (row: Row): number => Math.abs(row.given - row.recorded);
  const isKnown = rows.some(({ linux }) => linux !== null);
  const largest = rows.filter((row) => off(row) !== 0).sort((one, other) => off(other) - off(one));
  return {
    mms,
    equal: equal('given'),
    recorded,
    given,
    meanDifference: mms === 0 ? 0 : (given - recorded) / mms,
    linux: isKnown ? { given: sum('linux'), equal: equal('linux') } : null,
    largest: largest.slice(0, LARGEST_SHOWN),
  };
}
