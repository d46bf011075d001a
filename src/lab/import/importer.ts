/**
 * From a recorder's text to a trace: the file, line by line, through its parser, the processes and
 * the writer. What is held is a chunk, and what is mapped at the time.
 */
import { InputError, UsageError } from '../../core/base/errors.js';
import { geometryNamed } from '../../core/pgtable/geometry.js';
import { sharesOf } from '../trace/shares.js';
import { type ImportDocument, type ImportOptions, pairOf } from './document.js';
import type { LineSink, RecordedLine } from './file-lines.js';
import type { Recorder } from './line-parser.js';
import { LinePlacer } from './line-placer.js';
import { recognise, recorderNamed } from './recorders.js';
import { readRecording } from './recording.js';
import { spansOf } from './spans.js';
import { TraceWriter } from './writer.js';

/** How many lines decide whose text it is, and how long they may be together. */
const SNIFFED_LINES = 200;
const SNIFFED_CHARACTERS: number = 4 * 1024 * 1024;

/** Where so many lines are not the recorder's, it is another text: to tolerate them is no help. */
const TOLERABLE_PERCENT = 50;

/**
 * Imports a file, or those of strace -ff. Throws `InputError` for one that can't be: then the
 * output is not whole.
 */
export async function importTrace(options: ImportOptions): Promise<ImportDocument> {
  const run = new Import(options);
  try {
    await readRecording(options.files, run, {
      signal: options.signal,
      onProgress: (bytesRead, bytesTotal) => run.progress(bytesRead, bytesTotal),
    });
    return await run.finish();
  } finally {
    run.discard();
  }
}

class Import implements LineSink {
  private line = 0;
  private readonly options: ImportOptions;
  private readonly beganMs: number = performance.now();
  private readonly writer: TraceWriter;
  private bytes = 0;
  /** The first lines, until it is known whose text it is. */
  private first: RecordedLine[] = [];
  private telling = 0;
  private characters = 0;
  private recorder: Recorder | null;
  private placer: LinePlacer | null = null;

  constructor(options: ImportOptions) {
    const { files, output, recorder, geometry } = options;
    geometryNamed(geometry);
    this.options = options;
    this.recorder = recorder === null ? null : recorderNamed(recorder);
    if (files.length > 1) this.recorder = onlyStrace(recorder);
    this.writer = new TraceWriter(output);
  }

  take(line: RecordedLine): void {
    this.line++;
    if (this.placer !== null) {
      this.placer.read(line);
      return;
    }
    this.first.push(line);
    if (/^\s*[^#\s]/.test(line.text)) this.telling++;
    this.characters += line.text.length;
    const isEnough = this.telling >= SNIFFED_LINES || this.characters >= SNIFFED_CHARACTERS;
    if (this.recorder !== null || isEnough) this.begin();
  }

  flush(): Promise<void> | undefined {
    return this.writer.flush();
  }

  progress(bytesRead: number, bytesTotal: number): void {
    this.bytes = bytesTotal;
    const { records } = this.writer;
    this.options.onProgress?.({ bytesRead, bytesTotal, lines: this.line, records });
  }

  async finish(): Promise<ImportDocument> {
    if (this.line === 0) throw this.refuse('empty', 1, 'the file is empty', textsExpected());
    const placer = this.placer ?? this.begin();
    placer.end();
    this.checkPlaced(placer);
    return this.documentOf(placer, await this.writer.finish(this.headerOf(placer)));
  }

  discard(): void {
    this.writer.discard();
  }

  private begin(): LinePlacer {
    this.recorder ??= recognise(this.first.map(({ text }) => text));
    if (this.recorder === null) {
      const found = 'no line of any format that can be imported';
      throw this.refuse('unknown-format', 1, found, textsExpected());
    }
    const { geometry, touch, files } = this.options;
    const how = { isApart: files.length > 1 };
    this.placer = new LinePlacer(this.recorder, how, [geometry, touch], this.writer);
    for (const line of this.first) this.placer.read(line);
    this.first = [];
    return this.placer;
  }

  private checkPlaced(placer: LinePlacer): void {
    const { recorder, counts, unplaced, advice } = placer;
    const inLines = `in ${this.line} lines of ${recorder.name}`;
    if (advice !== null) {
      const found = `the faults ${inLines} lack what is needed`;
      throw this.refuse('no-addresses', unplaced[0]?.line ?? 0, found, advice);
    }
    const percent = (100 * counts.unplaced) / this.line;
    if (percent > this.options.tolerate) throw this.tooManyUnplaced(placer, percent);
    if (recorder.hasFaults && placer.faults === 0) {
      const found = `no page fault ${inLines}`;
      throw this.refuse('no-faults', 0, found, 'a recording with faults: see docs/import.md');
    }
    if (this.writer.allocs[0] > 0) return;
    const found = `nothing uses memory ${inLines}`;
    const expected = recorder.hasFaults
      ? 'faults of programs'
      : 'calls of mmap, brk, execve and the like: strace -f -ttt -e trace=%memory,%process';
    throw this.refuse('no-tables', 0, found, expected);
  }

  private tooManyUnplaced({ recorder, counts, unplaced }: LinePlacer, percent: number): InputError {
    const { line = 0, text = '' } = unplaced[0] ?? {};
    const found =
      `${counts.unplaced} of ${this.line} lines (${percent.toFixed(1)} %) ` +
      `are no lines of ${recorder.name}; the first is "${text}"`;
    const wouldHelp = this.writer.allocs[0] > 0 && percent <= TOLERABLE_PERCENT;
    const orTolerate = wouldHelp ? `, or --tolerate ${Math.ceil(percent)}` : '';
    const expected = `at most ${this.options.tolerate} %${orTolerate}`;
    return this.refuse('unplaced-lines', line, found, expected, unplaced[0]?.file);
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
    const { files, output, geometry, touch } = this.options;
    const { warnings } = placer;
    const ok = !warnings.some(({ doubtful }) => doubtful);
    const { records, mms, allocs, frees, peak } = this.writer;
    const faults = recorder.hasFaults ? 'recorded' : 'assumed';
    return {
      schema: 1,
      command: 'import',
      verdict: ok ? 'holds' : 'inconclusive',
      ok,
      warnings,
      input: { files, format: recorder.name, bytes: this.bytes },
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

  private refuse(
    code: string,
    line: number,
    found: string,
    expected: string,
    file: string = this.options.files[0] ?? '',
  ): InputError {
    const place = line > 0 ? `${file}:${line}` : file;
    const message = `${place}: ${found}; expected ${expected}`;
    return new InputError(message, { code, file, line, expected });
  }
}

/** Of several files, as only it writes them. */
function onlyStrace(recorder: string | null): Recorder {
  if (recorder === null || recorder === 'strace') return recorderNamed('strace');
  throw new UsageError('not-one-task', `several files are those of strace -ff, not ${recorder}'s`);
}

function textsExpected(): string {
  return 'the text of perf trace -F all, perf script, strace -f or ftrace (see docs/import.md)';
}
