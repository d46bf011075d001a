/** The seam as the checker has it: every kind of access comes down to one function. */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { ACCESS, type AccessKind } from './access.js';

export abstract class Seam implements Memory {
  readonly maySleep = true;

  /** `a` and `b` are the arguments behind the word. */
  protected abstract access(kind: AccessKind, word: Word, a: number, b: number): number;

  load(word: Word): number {
    return this.access(ACCESS.load, word, 0, 0);
  }

  store(word: Word, value: number): void {
    this.access(ACCESS.store, word, value | 0, 0);
  }

  cas(word: Word, expected: number, value: number): number {
    return this.access(ACCESS.cas, word, expected | 0, value | 0);
  }

  exchange(word: Word, value: number): number {
    return this.access(ACCESS.exchange, word, value | 0, 0);
  }

  add(word: Word, value: number): number {
    return this.access(ACCESS.add, word, value | 0, 0);
  }

  and(word: Word, value: number): number {
    return this.access(ACCESS.and, word, value | 0, 0);
  }

  or(word: Word, value: number): number {
    return this.access(ACCESS.or, word, value | 0, 0);
  }

  xor(word: Word, value: number): number {
    return this.access(ACCESS.xor, word, value | 0, 0);
  }

  peek(word: Word): number {
    return this.access(ACCESS.peek, word, 0, 0);
  }

  poke(word: Word, value: number): void {
    this.access(ACCESS.poke, word, value | 0, 0);
  }

  fill(word: Word, count: number, value: number): void {
    this.access(ACCESS.fill, word, count, value | 0);
  }

  copy(to: Word, from: Word, count: number): void {
    this.access(ACCESS.copy, to, count, from);
  }

  awaitChange(word: Word, seen: number, msMax?: number): void {
    this.access(msMax === undefined ? ACCESS.awaitChange : ACCESS.nap, word, seen | 0, 0);
  }

  awaitChangeAsync(): Promise<void> {
    throw new InvariantError('X1', 'an operation in the checker is a synchronous function');
  }

  notify(word: Word, count: number = Number.MAX_SAFE_INTEGER): void {
    this.access(ACCESS.notify, word, Math.min(count, 2 ** 30), 0);
  }
}
