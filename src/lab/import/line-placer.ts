/**
 * Places the lines of a recorder's text, once it is known whose text it is: each goes through its
 * parser, and what it says through the processes to the writer.
 */
import { geometryNamed } from '../../core/pgtable/geometry.js';
import type { Action } from './action.js';
import type { LineParser, Recorder } from './line-parser.js';
import { Processes } from './processes.js';
import { spansOf } from './spans.js';
import { TaskSpaces, type Touch } from './task-spaces.js';
import type { TraceWriter } from './writer.js';

/** A line that the parser could make nothing of. */
export interface UnplacedLine {
  readonly line: number;
  readonly text: string;
}

/** How many unplaced lines are kept, and how much of each. */
const UNPLACED_KEPT = 10;
const UNPLACED_CHARACTERS = 160;

export class LinePlacer {
  readonly recorder: Recorder;
  readonly processes: Processes;
  readonly counts = { used: 0, skipped: 0, unplaced: 0, lost: 0, backwards: 0 };
  readonly unplaced: UnplacedLine[] = [];
  private readonly parser: LineParser;
  private readonly writer: TraceWriter;
  private line = 0;
  private originUs = -1;
  private lastUs = 0;
  private latestUs = 0;

  constructor(recorder: Recorder, geometry: string, touch: Touch, writer: TraceWriter) {
    this.recorder = recorder;
    this.writer = writer;
    const spans = spansOf(geometryNamed(geometry));
    const used = recorder.hasFaults ? 'faults' : touch;
    this.processes = new Processes(new TaskSpaces(spans, used, writer));
    this.parser = recorder.makeParser((action, timeUs) => this.act(action, timeUs));
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

function printable(text: string): string {
  return text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
