/**
 * The files of `strace -ff -ttt -o NAME`, one of each task, put into one order by time.
 *
 * A file is NAME.PID, and its lines have no pid. It is opened when its first line's turn comes and
 * closed at its end: what is held at a time is a chunk of each task that is alive.
 */
import { InputError, UsageError } from '../../core/base/errors.js';
import { type ByteSource, openText, type PourOptions } from '../trace/text-file.js';
import { FileLines, type LineSink, type RecordedLine } from './file-lines.js';
import { StracePrefix } from './strace-prefix.js';

/** A file that has not been begun: many more than can be open. */
interface Waiting {
  readonly file: string;
  readonly pid: number;
  readonly timeUs: number;
  readonly bytes: number;
}

/** After how many lines whoever takes them may make us wait. */
const LINES_BETWEEN = 1024;

export async function mergeFiles(
  files: readonly string[],
  sink: LineSink,
  { signal, onProgress }: PourOptions,
): Promise<void> {
  const waiting: Waiting[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    waiting.push(await firstLineOf(file));
  }
  waiting.sort(byTime);
  const bytesTotal = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytesRead = 0;
  const open: TaskLines[] = [];
  for (let count = 1; ; count++) {
    let next = earliest(open);
    const [first] = waiting;
    if (first !== undefined && (next === undefined || byTime(first, next) < 0)) {
      waiting.shift();
      next = new TaskLines(first);
      await next.fill();
      open.push(next);
    }
    if (next === undefined) return;
    next.take(sink);
    if (next.isEmpty && !(await next.fill())) {
      open.splice(open.indexOf(next), 1);
      bytesRead += next.bytes;
    }
    if (count % LINES_BETWEEN > 0) continue;
    signal?.throwIfAborted();
    onProgress?.(bytesRead, bytesTotal);
    await sink.flush();
  }
}

type Timed = Pick<Waiting, 'pid' | 'timeUs'>;

/** At the same time a parent, whose pid is mostly smaller, is first. */
function byTime(a: Timed, b: Timed): number {
  return a.timeUs - b.timeUs || a.pid - b.pid;
}

function earliest(open: readonly TaskLines[]): TaskLines | undefined {
  let found: TaskLines | undefined;
  for (const each of open) if (found === undefined || byTime(each, found) < 0) found = each;
  return found;
}

async function firstLineOf(file: string): Promise<Waiting> {
  const pid = Number(/\.(\d+)(?:\.gz)?$/.exec(file)?.[1]);
  if (Number.isNaN(pid)) {
    const message = `several files are those of strace -ff, NAME.PID; '${file}' has no such name`;
    throw new UsageError('not-one-task', message);
  }
  const lines = new TaskLines({ file, pid, timeUs: 0, bytes: 0 });
  try {
    await lines.fill();
    const { isTimed, isEmpty, timeUs, size } = lines;
    if (isTimed || isEmpty) return { file, pid, timeUs, bytes: size };
  } finally {
    await lines.close();
  }
  const expected = 'times that can be compared: strace -ff -ttt';
  const message = `${file}:1: no time of day; expected ${expected}`;
  throw new InputError(message, { code: 'no-times', file, line: 1, expected });
}

/** What is next in a file, with the pid as strace -f prints it. */
class TaskLines {
  readonly pid: number;
  readonly bytes: number;
  private readonly file: string;
  private readonly prefix = new StracePrefix();
  private readonly splitter: FileLines;
  private source: ByteSource | null = null;
  private lines: RecordedLine[] = [];
  private at = 0;

  constructor({ file, pid, bytes }: Waiting) {
    this.file = file;
    this.pid = pid;
    this.bytes = bytes;
    this.splitter = new FileLines(file, { take: (line) => this.keep(line), flush: nothing });
  }

  get isEmpty(): boolean {
    return this.at === this.lines.length;
  }

  /** Of the next line. */
  get timeUs(): number {
    return this.prefix.timeUs;
  }

  get isTimed(): boolean {
    return this.prefix.isTimed;
  }

  /** Of the file. */
  get size(): number {
    return this.source?.bytes ?? 0;
  }

  /** Reads on until there is a line; false: there is none any more. */
  async fill(): Promise<boolean> {
    this.source ??= await openText(this.file);
    while (this.isEmpty) {
      this.lines = [];
      this.at = 0;
      const chunk = await this.source.read();
      if (chunk !== null) this.splitter.push(chunk);
      else {
        this.splitter.end();
        await this.close();
        if (this.lines.length === 0) return false;
      }
    }
    this.readTime();
    return true;
  }

  take(sink: LineSink): void {
    const line = this.lines[this.at++] as RecordedLine;
    const text = isOfTask(line) ? `${this.pid} ${line.text}` : line.text;
    sink.take({ ...line, text });
    if (!this.isEmpty) this.readTime();
  }

  async close(): Promise<void> {
    await this.source?.close();
  }

  private readTime(): void {
    const line = this.lines[this.at] as RecordedLine;
    if (isOfTask(line)) this.prefix.read(line.text);
  }

  private keep(line: RecordedLine): void {
    this.lines.push(line);
  }
}

/** Not the stack of a call (-k), nor empty. */
function isOfTask({ text }: RecordedLine): boolean {
  return text !== '' && !text.startsWith(' >');
}

function nothing(): undefined {}
