/**
 * From the text of a recording, in chunks cut anywhere, to events.
 *
 * The header decides which operations there are; from then on every line is looked up, checked
 * for its number of arguments, and read. Knows nothing of files: `file` is only a name for
 * messages.
 */
import type { TraceCounts } from './counts.js';
import type { TraceEvent } from './event.js';
import { type Form, placeOf, type RecordReader, type TraceHeader } from './form.js';
import { HeaderReader } from './header.js';
import { LINE_BYTES_MAX, LineSplitter } from './lines.js';
import { RecordLine } from './record.js';

const HASH = 35;

export class TraceParser {
  private readonly onEvent: (event: TraceEvent) => void;
  private readonly onHeader: ((header: TraceHeader) => void) | undefined;
  private readonly at: RecordLine;
  private readonly header: HeaderReader;
  private readonly lines: LineSplitter;
  /** Null until the first record: before it the form isn't known. */
  private body: Body | null = null;

  constructor(
    file: string,
    onEvent: (event: TraceEvent) => void,
    onHeader?: (header: TraceHeader) => void,
  ) {
    this.onEvent = onEvent;
    this.onHeader = onHeader;
    this.at = new RecordLine(file);
    this.header = new HeaderReader(this.at);
    this.lines = new LineSplitter(
      (bytes, from, to) => this.read(bytes, from, to),
      () => this.refuseLongLine(),
    );
  }

  /** The last line that was looked at. */
  get line(): number {
    return this.at.line;
  }

  push(chunk: Uint8Array): undefined {
    this.lines.push(chunk);
  }

  /** The text is at its end. */
  finish(): TraceHeader & TraceCounts {
    if (this.lines.unfinished) {
      this.at.line++;
      if (this.at.line === 1) throw this.header.notATrace('it has no line');
      const expected = 'a newline at the end of the last line';
      throw this.at.refuse('truncated', 'the file ends in the middle of a line', expected);
    }
    if (this.body === null) throw this.header.empty();
    const { header, counts } = this.body;
    counts.lines = this.at.line;
    this.refuseShortened(header, counts);
    return { ...header, ...counts };
  }

  private read(bytes: Uint8Array, from: number, to: number): void {
    this.at.line++;
    if (bytes[from] === HASH || this.at.line === 1) {
      // A comment after the first record says nothing about the form.
      if (this.body === null) this.header.line(asText(bytes, from, to));
      return;
    }
    this.body ??= this.begin();
    this.at.split(bytes, from, to);
    this.body.read();
  }

  private begin(): Body {
    const header = this.header.finish();
    this.onHeader?.(header);
    return new Body(header, this.at, this.onEvent);
  }

  /** An imported trace says how many records it has; others end where they end. */
  private refuseShortened({ imported }: TraceHeader, { records }: TraceCounts): void {
    if (imported === null || imported.records === records) return;
    const found = `the file ends after ${records} records`;
    throw this.at.refuse('truncated', found, `${imported.records} of them, as its header says`);
  }

  private refuseLongLine(): never {
    this.at.line++;
    if (this.at.line === 1) throw this.header.notATrace('it has no lines');
    const found = `a line longer than ${LINE_BYTES_MAX} bytes`;
    throw this.at.refuse('line-too-long', found, 'lines of text');
  }
}

/** The records, of a file whose form is known. */
class Body {
  readonly header: TraceHeader;
  readonly counts: TraceCounts;
  private readonly at: RecordLine;
  private readonly reader: RecordReader;
  private readonly columns: number;
  private readonly operationAt: number;
  private readonly seqAt: number;
  private readonly timeAt: number;
  /** Null: records have no CPU. */
  private readonly origin: Origin | null;
  private latestUs = 0;

  constructor(header: TraceHeader, at: RecordLine, onEvent: (event: TraceEvent) => void) {
    const { form } = header;
    this.header = header;
    this.at = at;
    this.reader = form.begin(header, at, onEvent);
    this.counts = this.reader.counts;
    this.columns = form.columns.length;
    this.operationAt = placeOf('op', form);
    this.seqAt = placeOf('seq', form);
    this.timeAt = placeOf('t_us', form);
    this.origin = originOf(form);
  }

  read(): void {
    this.readPrefix();
    const { at } = this;
    const { operations } = this.reader;
    const operation = operations.find(at.packed(this.operationAt));
    if (operation === undefined) {
      const found = `unknown operation "${at.text(this.operationAt)}"`;
      throw at.refuse('unknown-operation', found, `one of ${operations.names()}`);
    }
    if (at.arguments < operation.min || at.arguments > operation.max) {
      const found = `${operation.name} with ${at.arguments} arguments`;
      throw at.refuse('bad-line', found, describeCount(operation.min, operation.max));
    }
    operation.read?.();
  }

  /** The fields before the arguments. */
  private readPrefix(): void {
    const { at } = this;
    const { teller, counts } = this.reader;
    at.argumentsFrom(this.columns);
    if (at.arguments < 0) {
      const fields = this.header.form.columns.join(' ');
      throw at.refuse('bad-line', 'too few fields', `${fields} and arguments`);
    }
    const seq = at.integer(this.seqAt, 'a sequence number');
    const timeUs = at.integer(this.timeAt, 'a time in microseconds');
    const cpu = this.origin === null ? 0 : this.readOrigin(this.origin);
    if (counts.records === 0) counts.firstUs = timeUs;
    // Records can be moved, and CPUs' clocks differ a little: time as consumers see it only grows.
    if (timeUs > this.latestUs) this.latestUs = timeUs;
    counts.records++;
    counts.lastUs = this.latestUs;
    teller.record(at.line, seq, this.latestUs, cpu);
  }

  /** Gives the CPU. */
  private readOrigin({ cpu, pid, ctx }: Origin): number {
    const { at } = this;
    const found = at.integer(cpu, 'a CPU');
    at.integer(pid, 'a pid');
    if (!at.is(ctx, 'p') && !at.is(ctx, 's') && !at.is(ctx, 'h')) {
      throw at.wrong(ctx, 'a context: p, s or h');
    }
    return found;
  }
}

/** Where a record says how it was made: CPU, pid, and in a process, a softirq or a hardirq. */
interface Origin {
  readonly cpu: number;
  readonly pid: number;
  readonly ctx: number;
}

function originOf(form: Form): Origin | null {
  if (!form.columns.includes('cpu')) return null;
  return { cpu: placeOf('cpu', form), pid: placeOf('pid', form), ctx: placeOf('ctx', form) };
}

function describeCount(min: number, max: number): string {
  if (min === max) return `${min} of them`;
  return max === Number.POSITIVE_INFINITY ? `${min} or more` : `${min} to ${max}`;
}

function asText(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
