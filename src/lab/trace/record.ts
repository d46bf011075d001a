/**
 * The line being read: its fields as numbers, and what to say when it is wrong.
 *
 * One object serves all lines. Fields are read where they lie in the bytes; text is made only for
 * an error message. Every method takes the index of an argument; what stands before the
 * arguments has negative ones.
 */
import { InputError } from '../../core/base/errors.js';

/** No record that is looked into has more. Further fields are counted, not kept. */
const FIELDS_MAX = 16;
const LAST_FIELD: number = FIELDS_MAX - 1;

/** What `mm()` gives for an address space older than the recording. */
export const FOREIGN = -1;

/** Where a table is. */
export interface Fragment {
  readonly page: number;
  readonly index: number;
}

/** How much of a wrong field an error message shows. */
const SHOWN_MAX = 40;

const SPACE = 32;
const DOT = 46;
const DIGIT_0 = 48;
const LETTER_A = 97;
const LETTER_F = 102;
const LETTER_M = 109;
const LETTER_P = 112;

/** Longest numbers that a double holds exactly. */
const DECIMAL_DIGITS_MAX = 15;
const HEX_DIGITS_MAX = 13;

export class RecordLine {
  readonly file: string;
  /** Line in the file, from 1; 0 before the first. */
  line = 0;

  private readonly place = { page: 0, index: 0 };
  private bytes: Uint8Array = Buffer.alloc(0);
  private readonly starts = new Int32Array(FIELDS_MAX);
  private readonly ends = new Int32Array(FIELDS_MAX);
  private fields = 0;
  /** The field that is argument 0: the form's own fields and the operation come before it. */
  private first = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Takes the next line apart: fields are separated by one space. */
  split(bytes: Uint8Array, from: number, to: number): void {
    const { starts, ends } = this;
    let fields = 0;
    let start = from;
    for (let at = from; at < to; at++) {
      if (bytes[at] !== SPACE) continue;
      if (fields < LAST_FIELD) {
        starts[fields] = start;
        ends[fields] = at;
      }
      fields++;
      start = at + 1;
    }
    if (fields <= LAST_FIELD) {
      starts[fields] = start;
      ends[fields] = to;
    }
    this.bytes = bytes;
    this.fields = fields + 1;
    this.first = 0;
  }

  /** Says which field is the first argument. */
  argumentsFrom(field: number): void {
    this.first = field;
  }

  /** How many arguments there are; negative when even the operation is missing. */
  get arguments(): number {
    return this.fields - this.first;
  }

  /** The bytes of a field of at most three letters as one number; -1 for anything longer. */
  packed(argument: number): number {
    const from = this.start(argument);
    const length = this.end(argument) - from;
    if (length > 3) return -1;
    let packed = 0;
    for (let i = 0; i < length; i++) packed |= this.byte(from + i) << (8 * i);
    return packed;
  }

  integer(argument: number, what: string): number {
    const value = this.decimal(this.start(argument), this.end(argument));
    if (value < 0) throw this.wrong(argument, `${what}, a decimal number`);
    return value;
  }

  hex(argument: number, what: string): number {
    const value = this.hexadecimal(this.start(argument), this.end(argument));
    if (value < 0) throw this.wrong(argument, `${what}, a hexadecimal number`);
    return value;
  }

  /** The number N of an mm `mN`, or FOREIGN for one that is called `pN`. */
  mm(argument: number): number {
    const from = this.start(argument);
    const letter = this.byte(from);
    const number = this.decimal(from + 1, this.end(argument));
    if (number < 0 || (letter !== LETTER_M && letter !== LETTER_P)) {
      throw this.wrong(argument, 'an mm, mN or pN');
    }
    return letter === LETTER_M ? number : FOREIGN;
  }

  /** Whether the argument is that one letter. */
  is(argument: number, letter: string): boolean {
    const from = this.start(argument);
    const isOne = this.end(argument) - from === 1;
    return isOne && this.byte(from) === letter.charCodeAt(0);
  }

  /** A fragment `page.index`. One object serves all: it is valid until the next is asked for. */
  fragment(argument: number): Fragment {
    const from = this.start(argument);
    const to = this.end(argument);
    const { bytes } = this;
    let dot = from;
    while (dot < to && bytes[dot] !== DOT) dot++;
    const { place } = this;
    place.page = this.hexadecimal(from, dot);
    place.index = this.decimal(dot + 1, to);
    if (place.page >= 0 && place.index >= 0) return place;
    throw this.wrong(argument, 'a fragment, pfn.index');
  }

  /** The error for an argument that isn't what it must be. */
  wrong(argument: number, expected: string): InputError {
    const shown = this.text(argument).slice(0, SHOWN_MAX);
    return this.refuse('bad-line', `"${shown}" is wrong here`, expected);
  }

  refuse(code: string, found: string, expected: string): InputError {
    const message = `${this.file}:${this.line}: ${found}; expected ${expected}`;
    return new InputError(message, { code, file: this.file, line: this.line, expected });
  }

  /** The field as text, escaped: it may be anything at all. */
  text(argument: number): string {
    const bytes = this.bytes.subarray(this.start(argument), this.end(argument));
    const text = Buffer.from(bytes).toString('latin1');
    return text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  }

  private start(argument: number): number {
    return this.starts[this.first + argument] ?? 0;
  }

  private end(argument: number): number {
    return this.ends[this.first + argument] ?? 0;
  }

  private byte(at: number): number {
    return this.bytes[at] ?? 0;
  }

  private decimal(from: number, to: number): number {
    if (to <= from || to - from > DECIMAL_DIGITS_MAX) return -1;
    const { bytes } = this;
    let value = 0;
    for (let at = from; at < to; at++) {
      const digit = (bytes[at] as number) - DIGIT_0;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }

  private hexadecimal(from: number, to: number): number {
    if (to <= from || to - from > HEX_DIGITS_MAX) return -1;
    const { bytes } = this;
    let value = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      let digit = byte - DIGIT_0;
      if (byte >= LETTER_A && byte <= LETTER_F) digit = byte - LETTER_A + 10;
      else if (digit < 0 || digit > 9) return -1;
      value = value * 16 + digit;
    }
    return value;
  }
}
