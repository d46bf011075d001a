/** What the text of a recorder is to the importer, and what all parsers have in common. */
import type { OnAction } from './action.js';

/** A program or a kernel's facility that writes down what programs do. */
export interface Recorder {
  readonly name: string;
  /** It tells of every fault. */
  readonly hasFaults: boolean;
  readonly makeParser: (onAction: OnAction) => LineParser;
}

/** What became of a line. `lost`: the recorder says that events are missing here. */
export type Placed = 'used' | 'skipped' | 'unplaced' | 'lost';

export interface LineParser {
  line(text: string): Placed;
  /** Lines that tell of a fault. */
  readonly faults: number;
  /** What would have to be recorded, or printed, otherwise. */
  readonly advice?: string | null;
}

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
