/** A seam that calls back before each access: to do something at an exact point of an operation. */
import type { Word } from '#src/core/base/units.js';
import { SharedMemory } from '#src/core/mem/shared.js';

export type Access = 'load' | 'store' | 'cas' | 'exchange' | 'awaitChange';
export type Hook = (access: Access, word: Word) => void;

export class HookMemory extends SharedMemory {
  private hook: Hook | null = null;

  constructor(words: Int32Array) {
    super(words, true);
  }

  /** Calls `act` before every access from here on. */
  watch(act: Hook): void {
    this.hook = act;
  }

  /** Calls `act` once, before the first access that `when` picks. */
  once(when: (access: Access, word: Word) => boolean, act: () => void): void {
    this.hook = (access, word) => {
      if (!when(access, word)) return;
      this.hook = null;
      act();
    };
  }

  /** Whether what `once` announced has not happened yet. */
  get armed(): boolean {
    return this.hook !== null;
  }

  override load(word: Word): number {
    this.hook?.('load', word);
    return super.load(word);
  }

  override store(word: Word, value: number): void {
    this.hook?.('store', word);
    super.store(word, value);
  }

  override cas(word: Word, expected: number, value: number): number {
    this.hook?.('cas', word);
    return super.cas(word, expected, value);
  }

  override exchange(word: Word, value: number): number {
    this.hook?.('exchange', word);
    return super.exchange(word, value);
  }

  /** Throws where the thread would sleep for ever: here no other thread is left to wake it. */
  override awaitChange(word: Word, seen: number, msMax?: number): boolean {
    this.hook?.('awaitChange', word);
    if (super.load(word) !== seen) return false;
    if (msMax === undefined) throw new Error(`sleeps for ever on word ${word}`);
    return super.awaitChange(word, seen, msMax);
  }
}
