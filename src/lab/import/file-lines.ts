/**
 * The bytes of one file as lines. What an editor, a terminal or another system adds is taken off.
 */
import { InputError } from '../../core/base/errors.js';
import { LineSplitter } from '../trace/lines.js';
import type { TextSink } from '../trace/text-file.js';

/** strace -s prints data as long as it is asked for: more than this is no line. */
const LINE_BYTES_MAX: number = 1024 * 1024;

/** A line, and where it stands. */
export interface RecordedLine {
  readonly text: string;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Whether a newline ended it. */
  readonly isWhole: boolean;
}

/** Who takes the lines. */
export interface LineSink {
  take(line: RecordedLine): void;
  /** To be waited for between chunks. */
  flush(): Promise<void> | undefined;
}

/** Splits the bytes of a file into lines. */
export class FileLines implements TextSink {
  line = 0;
  private readonly file: string;
  private readonly sink: LineSink;
  private readonly splitter: LineSplitter;
  private isWhole = true;

  constructor(file: string, sink: LineSink) {
    this.file = file;
    this.sink = sink;
    this.splitter = new LineSplitter(
      (bytes, from, to) => this.hand(bytes, from, to),
      () => this.refuse('line-too-long', `a line longer than ${LINE_BYTES_MAX} bytes`),
      LINE_BYTES_MAX,
    );
  }

  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.line === 0 && UTF_16.includes(Buffer.from(chunk).toString('hex', 0, 2))) {
      this.refuse('utf-16', 'text in UTF-16');
    }
    this.splitter.push(chunk);
    return this.sink.flush();
  }

  end(): void {
    this.isWhole = false;
    this.splitter.end();
  }

  private hand(bytes: Uint8Array, from: number, to: number): void {
    const { file, isWhole } = this;
    const start = this.line === 0 && hasMark(bytes, from) ? from + MARK.length : from;
    this.line++;
    const text = cleaned(latin1(bytes, start, to));
    this.sink.take({ text, file, line: this.line, isWhole });
  }

  private refuse(code: string, found: string): never {
    const { file, line } = this;
    const expected = 'lines of text in UTF-8 or ASCII';
    const message = `${file}:${line + 1}: ${found}; expected ${expected}`;
    throw new InputError(message, { code, file, line: line + 1, expected });
  }
}

/** A byte order mark in UTF-8, and in UTF-16. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];
const UTF_16: readonly string[] = ['fffe', 'feff'];

function hasMark(bytes: Uint8Array, from: number): boolean {
  return MARK.every((byte, i) => bytes[from + i] === byte);
}

const ESCAPE = '\x1b';
/** Colours and the like. */
const ESCAPES = new RegExp(`${ESCAPE}(?:\\[[\\d;?]*[A-Za-z]|[()][A-Z0-9])`, 'g');

/** Without what a terminal or another system adds. */
function cleaned(text: string): string {
  let line = text;
  while (line.endsWith('\r')) line = line.slice(0, -1);
  return line.includes(ESCAPE) ? line.replace(ESCAPES, '') : line;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
