/**
 * Places the lines of a recorder's text, once it is known whose text it is: each goes through its
 * parser, and what it says through the processes to the writer.
 */
import { geometryNamed } from '../../core/pgtable/geometry.js';
import type { Action } from './action.js';
import { warningsOf } from './audit.js';
import type { RecordedLine } from './file-lines.js';
import type { LineParser, Placed, Recorded, Recorder, Warning } from './line-parser.js';
import { Processes } from './processes.js';
import { SeenCalls } from './seen-calls.js';
import { spansOf } from './spans.js';
import { TaskSpaces, type Touch } from './task-spaces.js';
import type { TraceWriter } from './writer.js';

/** A line that the parser could make nothing of. */
export interface UnplacedLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** How many unplaced lines are kept, and how much of each. */
const UNPLACED_KEPT = 10;
const UNPLACED_CHARACTERS = 160;

/** Recorders write some lines later than others, but not so much. */
const REORDERED_US = 1_000_000;

/** A text that ends with an address, or with a part of one. */
const CUT_NUMBER = /(?:0x[\da-f]*| [\da-f]{5,})$/;

export class LinePlacer {
  readonly recorder: Recorder;
  readonly processes: Processes;
  readonly counts = { used: 0, skipped: 0, unplaced: 0, lost: 0, backwards: 0 };
  readonly unplaced: UnplacedLine[] = [];
  private readonly parser: LineParser;
  private readonly seen = new SeenCalls();
  private readonly writer: TraceWriter;
  /** The line that is read when the next is known, and its number in all files together. */
  private waiting: RecordedLine | null = null;
  private line = 0;
  private cutOff: string | null = null;
  private originUs = -1;
  private lastUs = 0;
  private latestUs = 0;
  /** The first line whose time is far before another's; 0: none. */
  private wentBack = 0;

  constructor(
    recorder: Recorder,
    how: Recorded,
    [geometry, touch]: readonly [geometry: string, touch: Touch],
    writer: TraceWriter,
  ) {
    this.recorder = recorder;
    this.writer = writer;
    const spans = spansOf(geometryNamed(geometry));
    const used = recorder.hasFaults ? 'faults' : touch;
    this.processes = new Processes(new TaskSpaces(spans, used, writer));
    this.parser = recorder.makeParser((action, timeUs) => this.act(action, timeUs), how);
  }

  get faults(): number {
    return this.parser.faults;
  }

  get advice(): string | null {
    return this.parser.advice ?? null;
  }

  get warnings(): Warning[] {
    const { lost } = this.counts;
    const odd = warningsOf(this.writer, this.processes, this.parser, { lost, cutOff: this.cutOff });
    return [...this.seen.warnings(this.recorder, this.faults), ...this.clockWarnings(), ...odd];
  }

  read(next: RecordedLine): void {
    if (this.waiting !== null) this.place(this.waiting, next.text);
    this.waiting = next;
  }

  /** No line follows. */
  end(): void {
    if (this.waiting !== null) this.place(this.waiting, null);
    this.waiting = null;
    this.parser.end?.();
    this.processes.end();
  }

  private place(line: RecordedLine, next: string | null): void {
    this.line++;
    const { file, text, isWhole } = line;
    // What is cut off in a number says another number.
    const isCut = !isWhole && CUT_NUMBER.test(text);
    const placed: Placed = isCut ? 'unplaced' : this.parser.line(text, next);
    const shown = (): string => printable(text.slice(0, UNPLACED_CHARACTERS));
    if (placed === 'unplaced' && !isWhole) {
      this.cutOff = shown();
      this.counts.skipped++;
      return;
    }
    this.counts[placed]++;
    if (placed !== 'unplaced' || this.unplaced.length >= UNPLACED_KEPT) return;
    this.unplaced.push({ file, line: line.line, text: shown() });
  }

  private clockWarnings(): Warning[] {
    if (this.wentBack === 0) return [];
    const message =
      `the clock goes back in line ${this.wentBack}, as between two recordings: whatever ` +
      'follows counts as of one time until it has caught up';
    return [{ code: 'clock-went-back', message, doubtful: true }];
  }

  /** Time as the trace has it begins with 0 and only grows: recorders are some lines off. */
  private act(action: Action, timeUs: number): void {
    if (this.originUs < 0) this.originUs = timeUs;
    if (timeUs < this.lastUs) this.counts.backwards++;
    this.lastUs = timeUs;
    if (this.latestUs - (timeUs - this.originUs) > REORDERED_US) this.wentBack ||= this.line;
    this.latestUs = Math.max(this.latestUs, timeUs - this.originUs);
    this.writer.at(this.line, this.latestUs);
    this.seen.see(action);
    this.processes.place(action, timeUs);
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
