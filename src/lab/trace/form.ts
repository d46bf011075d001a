/**
 * A form of recording: how its files begin, what their records look like and mean, and what a
 * consumer must know of them. Each is a file of forms/ and a line of forms/index.ts; whoever reads
 * a recording asks its form, and never which one it is.
 */
import type { Architecture } from '../designs/architecture.js';
import type { TraceCounts } from './counts.js';
import type { TraceEvent } from './event.js';
import type { Operations } from './operations.js';
import type { RecordLine } from './record.js';
import type { Teller } from './teller.js';

export interface Form {
  /** What documents call it; and what a file's name has before `.txt`, by convention. */
  readonly name: string;
  /** How its first line begins, for a message that refuses another. */
  readonly firstLine: string;
  /** Whether a file that begins so can be of this form. Throws for an unknown version of it. */
  readonly recognises: (firstLine: string, at: RecordLine) => boolean;
  /**
   * Where several forms begin alike: the line of the header that only this one has, as it is found
   * and as a message shows it. Null: the first line is enough.
   */
  readonly ownLine: { readonly pattern: RegExp; readonly shown: string } | null;
  /** Lines of the header that say something, by any name. Of several that match the last counts. */
  readonly headerLines: Readonly<Record<string, RegExp>>;
  /** What these lines say, when the first record has come. Throws if one is missing or wrong. */
  readonly readHeader: (found: FoundLines, at: RecordLine) => Described;

  /**
   * The fields of a record before its arguments, in their order: always `seq`, `t_us` and `op`;
   * `cpu`, `pid` and `ctx` where records say on which CPU they were made.
   */
  readonly columns: readonly Column[];
  /** What is done with the records of one file. */
  readonly begin: (
    header: TraceHeader,
    at: RecordLine,
    onEvent: (event: TraceEvent) => void,
  ) => RecordReader;

  /** A kernel was recorded, with its pages and the ends of its grace periods. */
  readonly hasKernel: boolean;
  /** Each record stands where it happened, in one strict order. */
  readonly isSequential: boolean;
  /** Ends of grace periods are told after they happened, some records late. */
  readonly endsLate: boolean;
  /** Length of a grace period where nobody asks for another. Null: each table's end is recorded. */
  readonly gpUs: number | null;
}

export type Column = 'seq' | 't_us' | 'cpu' | 'pid' | 'ctx' | 'op';

/** Where a column stands, counted from the first argument: negative, for all stand before it. */
export function placeOf(column: Column, { columns }: Pick<Form, 'columns'>): number {
  return columns.indexOf(column) - columns.length;
}

/** Matches of a form's `headerLines`, by name. */
export type FoundLines = Readonly<Record<string, RegExpExecArray | undefined>>;

/** What reads the records of one file. */
export interface RecordReader {
  readonly operations: Operations;
  readonly teller: Teller;
  readonly counts: TraceCounts;
}

/** What the form's own lines say. */
export interface Described {
  /** The name of a built-in geometry. */
  readonly geometry: string;
  /** Fragments in a page, by kind; 0: tables of that kind are not in the recording. */
  readonly perPage: readonly [pte: number, pmd: number];
  /** Where no kernel was recorded: which recorder's text it is from, how many records follow. */
  readonly imported: { readonly source: string; readonly records: number } | null;
}

/** What a trace says of itself before its first record. */
export interface TraceHeader extends Described {
  readonly file: string;
  readonly form: Form;
  /** Whose kernel has that geometry. Null: none of those whose rules are known. */
  readonly architecture: Architecture | null;
  /** The line that says so. */
  readonly architectureLine: number;
}
