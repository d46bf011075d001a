/**
 * The address spaces of a trace.
 *
 * Recordings name them by numbers of their own (`m17`), with gaps. Here each gets the next dense
 * number. Only living ones are kept; of the others one bit, because "destroyed" and "never
 * created" are different mistakes.
 */
import type { RecordLine } from './record.js';

export class Mm {
  /** The dense number that events carry. */
  readonly index: number;
  /** Tables that it has now, of all kinds. */
  tables = 0;

  constructor(index: number) {
    this.index = index;
  }
}

export class Mms {
  /** How many were created so far. */
  created = 0;

  private readonly at: RecordLine;
  private readonly living = new Map<number, Mm>();
  /** Bit `name % 32` of word `name / 32` is set when the mm of that name was destroyed. */
  private readonly destroyed = new Map<number, number>();

  constructor(at: RecordLine) {
    this.at = at;
  }

  create(name: number): Mm {
    if (this.living.has(name) || this.wasDestroyed(name)) {
      const expected = 'one creation of each mm';
      throw this.at.refuse('created-twice', `m${name} is created again`, expected);
    }
    const mm = new Mm(this.created++);
    this.living.set(name, mm);
    return mm;
  }

  /** The mm of that name, which must be living. */
  get(name: number): Mm {
    const mm = this.living.get(name);
    if (mm !== undefined) return mm;
    if (this.wasDestroyed(name)) {
      const expected = 'nothing of an mm after its D';
      throw this.at.refuse('after-destroy', `m${name} was destroyed before`, expected);
    }
    const expected = `a line "I m${name}" before`;
    throw this.at.refuse('unknown-mm', `m${name} was never created`, expected);
  }

  destroy(name: number): Mm {
    if (this.wasDestroyed(name)) {
      const expected = 'one D of each mm';
      throw this.at.refuse('destroyed-twice', `m${name} is destroyed again`, expected);
    }
    const mm = this.get(name);
    if (mm.tables > 0) {
      const found = `m${name} is destroyed and still has ${mm.tables} tables`;
      throw this.at.refuse('destroyed-with-tables', found, 'the frees of its tables before its D');
    }
    this.living.delete(name);
    const word = Math.floor(name / 32);
    this.destroyed.set(word, (this.destroyed.get(word) ?? 0) | (1 << (name % 32)));
    return mm;
  }

  private wasDestroyed(name: number): boolean {
    const bits = this.destroyed.get(Math.floor(name / 32)) ?? 0;
    return (bits & (1 << (name % 32))) !== 0;
  }
}
