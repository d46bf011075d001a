/**
 * The address spaces of a trace, and their lives: whatever form a recording has, each mm's events
 * are told from here, in the order that event.ts asks for.
 *
 * Recordings name mms by numbers of their own (`m17`), with gaps. Here each gets the next dense
 * number. Only living ones are kept; of the others one bit, because "destroyed" and "never
 * created" are different mistakes.
 *
 * Not every recording says when an exit begins: canon files don't, and imported ones once didn't.
 * Then it is told right before the destroy, which is late by the frees of the exit and by nothing
 * else: after it begins an mm gets no table.
 */
import type { RecordLine } from './record.js';
import type { Teller } from './teller.js';

export class Mm {
  /** The dense number that events carry. */
  readonly index: number;
  /** Tables that it has now, of all kinds. */
  tables = 0;
  /** Its exit has begun: it gets no more tables. */
  isExiting = false;

  constructor(index: number) {
    this.index = index;
  }
}

export class Mms {
  /** How many were created so far. */
  created = 0;

  private readonly at: RecordLine;
  private readonly teller: Teller;
  private readonly living = new Map<number, Mm>();
  /** Bit `name % 32` of word `name / 32` is set when the mm of that name was destroyed. */
  private readonly destroyed = new Map<number, number>();

  constructor(at: RecordLine, teller: Teller) {
    this.at = at;
    this.teller = teller;
  }

  create(name: number): Mm {
    if (this.living.has(name) || this.wasDestroyed(name)) {
      const expected = 'one creation of each mm';
      throw this.at.refuse('created-twice', `m${name} is created again`, expected);
    }
    const mm = new Mm(this.created++);
    this.living.set(name, mm);
    this.teller.create(mm, name);
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

  /** The living mm of that name, which must be one that can get tables. */
  active(name: number): Mm {
    const mm = this.get(name);
    if (!mm.isExiting) return mm;
    const expected = 'only frees between its E and its D';
    throw this.at.refuse('after-exit', `m${name} gets a table after its exit began`, expected);
  }

  exit(name: number): void {
    const mm = this.get(name);
    if (mm.isExiting) {
      throw this.at.refuse('exited-twice', `m${name} exits again`, 'one E of each mm');
    }
    this.beginExit(mm);
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
    if (!mm.isExiting) this.beginExit(mm);
    this.teller.destroy(mm);
    return mm;
  }

  private beginExit(mm: Mm): void {
    mm.isExiting = true;
    this.teller.exit(mm);
  }

  private wasDestroyed(name: number): boolean {
    const bits = this.destroyed.get(Math.floor(name / 32)) ?? 0;
    return (bits & (1 << (name % 32))) !== 0;
  }
}
