/**
 * What one thread did, kept for the next time that its operation is run: rows of numbers, since
 * most of what a thread does is to be answered from here.
 *
 * The row behind the last is what the thread is about to do. Nobody needs to save and restore it:
 * it follows from the rows before it, so whatever was explored since from a state, the row behind
 * that state's last is the same again.
 */
import type { Word } from '../../core/base/units.js';
import type { Access, AccessKind } from './access.js';

/**
 * One entry. STEP is the number of the machine's step at which it was done, PLACE one more than
 * that of the place in the operation where it is made: see local.ts.
 */
const ENTRY = { KIND: 0, WORD: 1, A: 2, B: 3, FOUND: 4, STEP: 5, PLACE: 6, WORDS: 7 };

export class Log {
  private entries: Int32Array = new Int32Array(64 * ENTRY.WORDS);

  /** What the thread is about to do. */
  propose(index: number, kind: AccessKind, word: Word, a: number, b: number): void {
    const at = index * ENTRY.WORDS;
    if (at === this.entries.length) this.grow();
    const { entries } = this;
    entries[at] = kind;
    entries[at + ENTRY.WORD] = word;
    entries[at + ENTRY.A] = a;
    entries[at + ENTRY.B] = b;
    entries[at + ENTRY.PLACE] = 0;
  }

  /** What came of it. */
  finish(index: number, found: number, step: number): void {
    const at = index * ENTRY.WORDS;
    this.entries[at + ENTRY.FOUND] = found;
    this.entries[at + ENTRY.STEP] = step;
  }

  private grow(): void {
    const entries = new Int32Array(this.entries.length * 2);
    entries.set(this.entries);
    this.entries = entries;
  }

  /** Whether the entry is of this very access. */
  matches(index: number, kind: AccessKind, word: Word, a: number, b: number): boolean {
    const { entries } = this;
    const at = index * ENTRY.WORDS;
    return (
      entries[at + ENTRY.WORD] === word &&
      entries[at] === kind &&
      entries[at + ENTRY.A] === a &&
      entries[at + ENTRY.B] === b
    );
  }

  kind(index: number): AccessKind {
    return this.entries[index * ENTRY.WORDS] as AccessKind;
  }

  word(index: number): Word {
    return this.entries[index * ENTRY.WORDS + ENTRY.WORD] as Word;
  }

  found(index: number): number {
    return this.entries[index * ENTRY.WORDS + ENTRY.FOUND] as number;
  }

  step(index: number): number {
    return this.entries[index * ENTRY.WORDS + ENTRY.STEP] as number;
  }

  /** Its first argument behind the word. */
  a(index: number): number {
    return this.entries[index * ENTRY.WORDS + ENTRY.A] as number;
  }

  /** The place where it is made; -1: nobody has said. */
  place(index: number): number {
    return (this.entries[index * ENTRY.WORDS + ENTRY.PLACE] as number) - 1;
  }

  setPlace(index: number, place: number): void {
    this.entries[index * ENTRY.WORDS + ENTRY.PLACE] = place + 1;
  }

  forgetPlaces(): void {
    for (let at = ENTRY.PLACE; at < this.entries.length; at += ENTRY.WORDS) this.entries[at] = 0;
  }

  access(index: number): Access {
    const b = this.entries[index * ENTRY.WORDS + ENTRY.B] as number;
    return { kind: this.kind(index), word: this.word(index), a: this.a(index), b };
  }
}
