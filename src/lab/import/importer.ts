/**
 * From a recorder's text to a trace: the file, line by line, through its parser, the processes and
 * the writer. What is held is a chunk, and what is mapped at the time.
 */
import { InputError } from '../../core/base/errors.js';
import { geometryNamed } from '../../core/pgtable/geometry.js';
import { LINE_BYTES_MAX, LineSplitter } from '../trace/lines.js';
import { sharesOf } from '../trace/shares.js';
import { pourText, type TextSink } from '../trace/text-file.js';
import { type ImportDocument, type ImportOptions, pairOf } from './document.js';
import type { Recorder } from './line-parser.js';
import { LinePlacer } from './line-placer.js';
import { recognise, recorderNamed } from './recorders.js';
import { spansOf } from './spans.js';
import { TraceWriter } from './writer.js';

/** How many lines decide whose text it is. */
const SNIFFED_LINES = 200;

/** Imports a file. Throws `InputError` for one that can't be: then the output is not whole. */
export async function importTrace(options: ImportOptions): Promise<ImportDocument> {
  const run = new Import(options);
  try {
    await pourText(options.file, run, {
      signal: options.signal,
      onProgress: (bytesRead, bytesTotal) => run.progress(bytesRead, bytesTotal),
    });
    return await run.finish();
  } finally {
    run.discard();
  }
}

class Import implements TextSink {
  line = 0;
  private readonly options: ImportOptions;
  private readonly beganMs: number = performance.now();
  private readonly splitter: LineSplitter;
  private readonly writer: TraceWriter;
  private bytes = 0;
  /** The first lines, until it is known whose text it is. */
  private first: string[] = [];
  private recorder: Recorder | null;
  private placer: LinePlacer | null = null;

  constructor(options: ImportOptions) {
    geometryNamed(options.geometry);
    this.options = options;
    this.recorder = options.recorder === null ? null : recorderNamed(options.recorder);
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
    if (this.line === 0) throw this.refuse('empty', 1, 'the file is empty', textsExpected());
    const placer = this.placer ?? this.begin();
    this.checkPlaced(placer);
    return this.documentOf(placer, await this.writer.finish(this.headerOf(placer)));
  }

  discard(): void {
    this.writer.discard();
  }

  private read(text: string): void {
    this.line++;
    if (this.placer !== null) {
      this.placer.read(this.line, text);
      return;
    }
    this.first.push(text);
    if (this.recorder !== null || this.first.length >= SNIFFED_LINES) this.begin();
  }

  private begin(): LinePlacer {
    this.recorder ??= recognise(this.first);
    if (this.recorder === null) {
      const found = 'no line of any format that can be imported';
      throw this.refuse('unknown-format', 1, found, textsExpected());
    }
    const { geometry, touch } = this.options;
    this.placer = new LinePlacer(this.recorder, geometry, touch, this.writer);
    for (const [at, text] of this.first.entries()) this.placer.read(at + 1, text);
    this.first = [];
    return this.placer;
  }

  private checkPlaced(placer: LinePlacer): void {
    const { recorder, counts, unplaced } = placer;
    const percent = (100 * counts.unplaced) / this.line;
    const [first] = unplaced;
    if (first !== undefined && percent > this.options.tolerate) {
      const { advice } = placer;
      const found =
        `${counts.unplaced} of ${this.line} lines (${percent.toFixed(1)} %) ` +
        `${advice ? 'lack what is needed' : `are no lines of ${recorder.name}`}; ` +
        `the first is "${first.text}"`;
      if (advice) throw this.refuse('no-addresses', first.line, found, advice);
      const expected = `at most ${this.options.tolerate} %, or --tolerate ${Math.ceil(percent)}`;
      throw this.refuse('unplaced-lines', first.line, found, expected);
    }
    if (recorder.hasFaults && placer.faults === 0) {
      const found = `no page fault in ${this.line} lines of ${recorder.name}`;
      throw this.refuse('no-faults', 0, found, 'a recording with faults: see docs/import.md');
    }
    if (this.writer.allocs[0] > 0) return;
    throw this.refuse('no-tables', 0, 'nothing in it uses memory', 'calls or faults of programs');
  }

  private headerOf({ recorder, counts }: LinePlacer): string[] {
    const geometry = geometryNamed(this.options.geometry);
    const [pte, pmd] = sharesOf(geometry);
    const span = spansOf(geometry).pte.toString(16);
    const { records, mms } = this.writer;
    const faults = recorder.hasFaults ? 'recorded' : `assumed-${this.options.touch}`;
    return [
      '# ptf 1: page-table events derived from what a program did',
      `# geometry=${geometry.name} pte=${pte} pmd=${pmd} span=${span}`,
      `# source=${recorder.name} records=${records} mms=${mms} faults=${faults}`,
      `# lines=${this.line} unplaced=${counts.unplaced} lost=${counts.lost}`,
      '# line t_us op args',
    ];
  }

  private documentOf(placer: LinePlacer, bytes: number): ImportDocument {
    const { recorder } = placer;
    const { file, output, geometry, touch } = this.options;
    const { records, mms, allocs, frees, peak } = this.writer;
    const faults = recorder.hasFaults ? 'recorded' : 'assumed';
    return {
      schema: 1,
      command: 'import',
      verdict: 'holds',
      ok: true,
      input: { file, format: recorder.name, bytes: this.bytes },
      output: { file: output.file, bytes },
      geometry,
      spanBytes: spansOf(geometryNamed(geometry)).pte,
      faults,
      touch: faults === 'recorded' ? null : touch,
      lines: { total: this.line, ...placer.counts, late: placer.processes.late },
      unplaced: placer.unplaced,
      faultLines: placer.faults,
      records,
      mms,
      allocs: pairOf(allocs),
      frees: pairOf(frees),
      peak: pairOf(peak),
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

function textsExpected(): string {
  return 'the text of perf trace -F all, perf script, strace -f or ftrace (see docs/import.md)';
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
