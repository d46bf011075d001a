/** The seam as the checker has it: every kind of access comes down to one function. */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { ACCESS, type AccessKind } from './access.js';

/** Who does the accesses. */
export interface Performer {
  /** Does an access and returns what it found; `a` and `b` are the arguments behind the word. */
  access(kind: AccessKind, word: Word, a: number, b: number): number;
}

export class Seam implements Memory {
  readonly maySleep = true;
  private readonly performer: Performer;

  constructor(performer: Performer) {
    this.performer = performer;
  }

  load(word: Word): number {
    return this.performer.access(ACCESS.load, word, 0, 0);
  }

  store(word: Word, value: number): void {
    this.performer.access(ACCESS.store, word, value | 0, 0);
  }

  cas(word: Word, expected: number, value: number): number {
    return this.performer.access(ACCESS.cas, word, expected | 0, value | 0);
  }

  exchange(word: Word, value: number): number {
    return this.performer.access(ACCESS.exchange, word, value | 0, 0);
  }

  add(word: Word, value: number): number {
    return this.performer.access(ACCESS.add, word, value | 0, 0);
  }

  and(word: Word, value: number): number {
    return this.performer.access(ACCESS.and, word, value | 0, 0);
  }

  or(word: Word, value: number): number {
    return this.performer.access(ACCESS.or, word, value | 0, 0);
  }

  xor(word: Word, value: number): number {
    return this.performer.access(ACCESS.xor, word, value | 0, 0);
  }

  peek(word: Word): number {
    return this.performer.access(ACCESS.peek, word, 0, 0);
  }

  poke(word: Word, value: number): void {
    this.performer.access(ACCESS.poke, word, value | 0, 0);
  }

  fill(word: Word, count: number, value: number): void {
    this.performer.access(ACCESS.fill, word, count, value | 0);
  }

  copy(to: Word, from: Word, count: number): void {
    this.performer.access(ACCESS.copy, to, count, from);
  }

  awaitChange(word: Word, seen: number, msMax?: number): void {
    this.performer.access(
      msMax === undefined ? ACCESS.awaitChange : ACCESS.awaitBriefly,
      word,
      seen | 0,
      0,
    );
  }

  awaitChangeAsync(): Promise<void> {
    throw new InvariantError('X1', 'an operation in the checker is a synchronous function');
  }

  notify(word: Word, count: number = Number.MAX_SAFE_INTEGER): void {
    this.performer.access(ACCESS.notify, word, Math.min(count, 2 ** 30), 0);
  }
}
