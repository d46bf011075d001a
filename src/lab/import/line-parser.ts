/** What the text of a recorder is to the importer, and what all parsers have in common. */
import type { OnAction } from './action.js';

/** A program or a kernel's facility that writes down what programs do. */
export interface Recorder {
  readonly name: string;
  /** It tells of every fault. */
  readonly hasFaults: boolean;
  readonly makeParser: (onAction: OnAction, how: Recorded) => LineParser;
}

/** How the recorder was told to write. */
export interface Recorded {
  /** Each task into a file of its own (`strace -ff`): lines are by the time of their beginning. */
  readonly isApart: boolean;
}

/** What a trace is not, though each line was placed. */
export interface Warning {
  /** Short and stable, for example `nothing-freed`. */
  readonly code: string;
  readonly message: string;
  /** Whether the trace can't be trusted for this reason. */
  readonly doubtful: boolean;
}

/** What became of a line. `lost`: the recorder says that events are missing here. */
export type Placed = 'used' | 'skipped' | 'unplaced' | 'lost';

export interface LineParser {
  /** `next` is the line that follows; null behind the last. */
  line(text: string, next: string | null): Placed;
  /** The text has ended. */
  end?(): void;
  /** Lines that tell of a fault. */
  readonly faults: number;
  /** What would have to be recorded, or printed, otherwise. */
  readonly advice?: string | null;
  readonly warnings?: readonly Warning[];
}

/** Lines that only strace prints, of the data that a call gets. */
export const SHORT_CHARACTERS: number = 16 * 1024;

/** User addresses that can be kept exactly. Above are the kernel's, and errors. */
export const ADDRESS_MAX: number = 2 ** 53 - 4096;

/** `0x7f…` or `7f…` as a number; NaN for anything else. */
export function hex(text: string): number {
  return Number.parseInt(text, 16);
}

/** Seconds, as text with a fraction, in microseconds. */
export function microseconds(seconds: string): number {
  return Math.round(Number(seconds) * 1e6);
}

/** A number in C's notation: `0x…` is hexadecimal, `NULL` is 0. */
export function number(text: string): number {
  if (text === 'NULL') return 0;
  return /^0x[\da-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.parseInt(text, 10);
}

/** A match of a sticky pattern that begins right there. */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
