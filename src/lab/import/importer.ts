/**
 * From a recorder's text to a trace: the file, line by line, through its parser, the processes and
 * the writer. What is held is a chunk, and what is mapped at the time.
 */
import { InputError, UsageError } from '../../core/base/errors.js';
import { geometryNamed } from '../../core/pgtable/geometry.js';
import { LINE_BYTES_MAX, LineSplitter } from '../trace/lines.js';
import { pourText, type TextSink } from '../trace/text-file.js';
import type { Action } from './action.js';
import { type Format, hasFaults, makeParser, recognise } from './formats.js';
import type { LineParser } from './line-parser.js';
import { Processes } from './processes.js';
import { Spaces, type Touch } from './spaces.js';
import { sharesOf, spansOf } from './spans.js';
import { TraceWriter } from './writer.js';

export interface ImportOptions {
  readonly file: string;
  readonly output: string;
  readonly geometry: string;
  /** Null: found out by the first lines. */
  readonly format: Format | null;
  /** How much counts as used of what is mapped, where faults are not recorded. */
  readonly touch: 'first' | 'all';
  /** Percent of lines that may be unplaced. */
  readonly tolerate: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

export interface ImportProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly lines: number;
  readonly records: number;
}

/** A line that the parser could make nothing of. */
export interface UnplacedLine {
  readonly line: number;
  readonly text: string;
}

export interface ImportDocument {
  readonly schema: 1;
  readonly command: 'import';
  readonly verdict: 'holds';
  readonly ok: true;
  readonly input: { readonly file: string; readonly format: Format; readonly bytes: number };
  readonly output: { readonly file: string; readonly bytes: number };
  readonly geometry: string;
  /** Bytes that a PTE table maps. */
  readonly spanBytes: number;
  readonly faults: 'recorded' | 'assumed';
  /** Null where faults are recorded. */
  readonly touch: 'first' | 'all' | null;
  readonly lines: {
    readonly total: number;
    readonly used: number;
    readonly skipped: number;
    readonly unplaced: number;
    /** Lines that say that the recorder lost events. */
    readonly lost: number;
    /** Lines whose time is before that of the line before. */
    readonly backwards: number;
    /** Actions of tasks that had exited. */
    readonly late: number;
  };
  /** The first of them. */
  readonly unplaced: readonly UnplacedLine[];
  readonly faultLines: number;
  readonly records: number;
  readonly mms: number;
  readonly allocs: { readonly pte: number; readonly pmd: number };
  readonly frees: { readonly pte: number; readonly pmd: number };
  readonly peak: { readonly pte: number; readonly pmd: number };
  readonly seconds: number;
}

/** How many lines decide which format it is. */
const SNIFFED_LINES = 200;

/** How many unplaced lines are kept, and how much of each. */
const UNPLACED_KEPT = 10;
const UNPLACED_CHARACTERS = 160;

/** Imports a file. Throws `InputError` for one that can't be, and leaves no output then. */
export async function importTrace(options: ImportOptions): Promise<ImportDocument> {
  const run = new Import(options);
  try {
    await pourText(options.file, run, {
      signal: options.signal,
      onProgress: (bytesRead, bytesTotal) => run.progress(bytesRead, bytesTotal),
    });
    return await run.finish();
  } finally {
    await run.discard();
  }
}

class Import implements TextSink {
  line = 0;
  private readonly options: ImportOptions;
  private readonly beganMs: number = performance.now();
  private readonly splitter: LineSplitter;
  private readonly writer: TraceWriter;
  private bytes = 0;
  /** The first lines, until the format is known. */
  private first: string[] = [];
  private format: Format | null;
  private body: Body | null = null;

  constructor(options: ImportOptions) {
    if (options.output === options.file) {
      throw new UsageError('same-file', `${options.file} can't be input and output`);
    }
    geometryNamed(options.geometry);
    this.options = options;
    this.format = options.format;
    this.writer = new TraceWriter(options.output);
    this.splitter = new LineSplitter(
      (bytes, from, to) => this.read(latin1(bytes, from, to)),
      () => this.refuseLongLine(),
    );
  }

  push(chunk: Uint8Array): Promise<void> | undefined {
    this.splitter.push(chunk);
    return this.writer.flush();
  }

  progress(bytesRead: number, bytesTotal: number): void {
    this.bytes = bytesTotal;
    const { records } = this.writer;
    this.options.onProgress?.({ bytesRead, bytesTotal, lines: this.line, records });
  }

  async finish(): Promise<ImportDocument> {
    if (this.splitter.unfinished) {
      this.line++;
      const found = 'the file ends in the middle of a line';
      throw this.refuse('truncated', this.line, found, 'a newline at the end of the last line');
    }
    if (this.line === 0) throw this.refuse('empty', 1, 'the file is empty', formatsExpected());
    const body = this.body ?? this.begin();
    this.checkPlaced(body);
    return this.documentOf(body, await this.writer.finish(this.headerOf(body)));
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }

  private read(text: string): void {
    this.line++;
    if (this.body !== null) {
      this.body.read(this.line, text);
      return;
    }
    this.first.push(text);
    if (this.format !== null || this.first.length >= SNIFFED_LINES) this.begin();
  }

  private begin(): Body {
    this.format ??= recognise(this.first);
    if (this.format === null) {
      const found = 'no line of any format that can be imported';
      throw this.refuse('unknown-format', 1, found, formatsExpected());
    }
    const { geometry, touch } = this.options;
    this.body = new Body(this.format, geometry, touch, this.writer);
    for (const [at, text] of this.first.entries()) this.body.read(at + 1, text);
    this.first = [];
    return this.body;
  }

  private checkPlaced(body: Body): void {
    const { counts, unplaced } = body;
    const percent = (100 * counts.unplaced) / this.line;
    const [first] = unplaced;
    if (first !== undefined && percent > this.options.tolerate) {
      const { advice } = body;
      const found =
        `${counts.unplaced} of ${this.line} lines (${percent.toFixed(1)} %) ` +
        `${advice ? 'lack what is needed' : `are no lines of ${body.format}`}; ` +
        `the first is "${first.text}"`;
      if (advice) throw this.refuse('no-addresses', first.line, found, advice);
      const expected = `at most ${this.options.tolerate} %, or --tolerate ${Math.ceil(percent)}`;
      throw this.refuse('unplaced-lines', first.line, found, expected);
    }
    if (hasFaults(body.format) && body.faults === 0) {
      const found = `no page fault in ${this.line} lines of ${body.format}`;
      throw this.refuse('no-faults', 0, found, 'a recording with faults: see docs/import.md');
    }
    if (this.writer.allocs[0] > 0) return;
    throw this.refuse('no-tables', 0, 'nothing in it uses memory', 'calls or faults of programs');
  }

  private headerOf({ format, counts }: Body): string[] {
    const geometry = geometryNamed(this.options.geometry);
    const [pte, pmd] = sharesOf(geometry);
    const span = spansOf(geometry).pte.toString(16);
    const { records, mms } = this.writer;
    const faults = hasFaults(format) ? 'recorded' : `assumed-${this.options.touch}`;
    return [
      '# ptf 1: page-table events derived from what a program did',
      `# geometry=${geometry.name} pte=${pte} pmd=${pmd} span=${span}`,
      `# source=${format} records=${records} mms=${mms} faults=${faults}`,
      `# lines=${this.line} unplaced=${counts.unplaced} lost=${counts.lost}`,
      '# line t_us op args',
    ];
  }

  private documentOf(body: Body, bytes: number): ImportDocument {
    const { file, output, geometry, touch } = this.options;
    const { records, mms, allocs, frees, peak } = this.writer;
    const faults = hasFaults(body.format) ? 'recorded' : 'assumed';
    const pair = ([pte, pmd]: readonly [number, number]): { pte: number; pmd: number } => {
      return { pte, pmd };
    };
    return {
      schema: 1,
      command: 'import',
      verdict: 'holds',
      ok: true,
      input: { file, format: body.format, bytes: this.bytes },
      output: { file: output, bytes },
      geometry,
      spanBytes: spansOf(geometryNamed(geometry)).pte,
      faults,
      touch: faults === 'recorded' ? null : touch,
      lines: { total: this.line, ...body.counts, late: body.processes.late },
      unplaced: body.unplaced,
      faultLines: body.faults,
      records,
      mms,
      allocs: pair(allocs),
      frees: pair(frees),
      peak: pair(peak),
      seconds: (performance.now() - this.beganMs) / 1000,
    };
  }

  private refuseLongLine(): never {
    this.line++;
    const found = `a line longer than ${LINE_BYTES_MAX} bytes`;
    throw this.refuse('line-too-long', this.line, found, 'lines of text');
  }

  private refuse(code: string, line: number, found: string, expected: string): InputError {
    const { file } = this.options;
    const place = line > 0 ? `${file}:${line}` : file;
    const message = `${place}: ${found}; expected ${expected}`;
    return new InputError(message, { code, file, line, expected });
  }
}

/** The lines, once their format is known. */
class Body {
  readonly format: Format;
  readonly processes: Processes;
  readonly counts = { used: 0, skipped: 0, unplaced: 0, lost: 0, backwards: 0 };
  readonly unplaced: UnplacedLine[] = [];
  private readonly parser: LineParser;
  private readonly writer: TraceWriter;
  private line = 0;
  private originUs = -1;
  private lastUs = 0;
  private latestUs = 0;

  constructor(format: Format, geometry: string, touch: Touch, writer: TraceWriter) {
    this.format = format;
    this.writer = writer;
    const spans = spansOf(geometryNamed(geometry));
    this.processes = new Processes(new Spaces(spans, hasFaults(format) ? 'faults' : touch, writer));
    this.parser = makeParser(format, (action, timeUs) => this.act(action, timeUs));
  }

  get faults(): number {
    return this.parser.faults;
  }

  get advice(): string | null {
    return this.parser.advice ?? null;
  }

  read(line: number, text: string): void {
    this.line = line;
    const placed = this.parser.line(text);
    this.counts[placed]++;
    if (placed !== 'unplaced' || this.unplaced.length >= UNPLACED_KEPT) return;
    this.unplaced.push({ line, text: printable(text.slice(0, UNPLACED_CHARACTERS)) });
  }

  /** Time as the trace has it begins with 0 and only grows: recorders are some lines off. */
  private act(action: Action, timeUs: number): void {
    if (this.originUs < 0) this.originUs = timeUs;
    if (timeUs < this.lastUs) this.counts.backwards++;
    this.lastUs = timeUs;
    this.latestUs = Math.max(this.latestUs, timeUs - this.originUs);
    this.writer.at(this.line, this.latestUs);
    this.processes.place(action, timeUs);
  }
}

function formatsExpected(): string {
  return 'the text of perf trace -F all, perf script, strace -f or ftrace (see docs/import.md)';
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
