/** A seam whose thread dies before one of its writes: it throws there, and does nothing more. */
import type { Word } from '#src/core/base/units.js';
import { SharedMemory } from '#src/core/mem/shared.js';

/** What is thrown; nothing in the core catches it. */
const DEATH: object = Object.freeze({ death: true });

export class MortalMemory extends SharedMemory {
  private left = Number.POSITIVE_INFINITY;

  constructor(words: Int32Array) {
    super(words, true);
  }

  /** Runs what dies before its write number `writes`, from 0; false: it came to its end. */
  dies(writes: number, act: () => void): boolean {
    this.left = writes;
    try {
      act();
      return false;
    } catch (error) {
      if (error !== DEATH) throw error;
      return true;
    } finally {
      this.left = Number.POSITIVE_INFINITY;
    }
  }

  private write(): void {
    if (this.left-- <= 0) throw DEATH;
  }

  override store(word: Word, value: number): void {
    this.write();
    super.store(word, value);
  }

  override cas(word: Word, expected: number, value: number): number {
    this.write();
    return super.cas(word, expected, value);
  }

  override exchange(word: Word, value: number): number {
    this.write();
    return super.exchange(word, value);
  }

  override add(word: Word, value: number): number {
    this.write();
    return super.add(word, value);
  }

  override and(word: Word, value: number): number {
    this.write();
    return super.and(word, value);
  }

  override or(word: Word, value: number): number {
    this.write();
    return super.or(word, value);
  }

  override poke(word: Word, value: number): void {
    this.write();
    super.poke(word, value);
  }

  override fill(word: Word, count: number, value: number): void {
    this.write();
    super.fill(word, count, value);
  }

  override copy(to: Word, from: Word, count: number): void {
    this.write();
    super.copy(to, from, count);
  }
}
