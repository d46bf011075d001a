/**
 * The seam: everything that the layers above may do to shared memory.
 *
 * Two implementations: mem/shared.ts over a `SharedArrayBuffer` (it ships) and the checker's,
 * which records each access and decides who goes next. The same functions run on both, so what
 * is explored is what ships.
 *
 *   load … xor      one 32-bit word, sequentially consistent, and a scheduling point
 *   peek, poke      plain: no order, never a scheduling point. Only for words that a lock or a
 *                   label pair (PUBLISH/OBSERVE) protects, or that one thread alone uses
 *   fill, copy      plain, over a range
 *   awaitChange     compares and sleeps in one step: no wake-up can fall between the two
 *
 * All values are signed 32-bit integers.
 */
import type { Word } from '../base/units.js';

export interface Memory {
  /** Whether `awaitChange` really sleeps. False on a browser's main thread, which may not. */
  readonly maySleep: boolean;

  load(word: Word): number;
  store(word: Word, value: number): void;
  /** Stores `value` if the word holds `expected`. Returns what the word held before. */
  cas(word: Word, expected: number, value: number): number;
  /** These five return what the word held before. */
  exchange(word: Word, value: number): number;
  add(word: Word, value: number): number;
  and(word: Word, value: number): number;
  or(word: Word, value: number): number;
  xor(word: Word, value: number): number;

  peek(word: Word): number;
  poke(word: Word, value: number): void;
  fill(word: Word, count: number, value: number): void;
  copy(to: Word, from: Word, count: number): void;

  /**
   * Sleeps until `notify` on this word, but only if the word still holds `seen`; at most `msMax`
   * milliseconds. It may return early and for no reason: callers look again in a loop. True: the
   * time was up, so nobody woke this thread.
   */
  awaitChange(word: Word, seen: number, msMax?: number): boolean;
  /** The same for a thread that must not sleep: resolves where the other returns. */
  awaitChangeAsync(word: Word, seen: number, msMax?: number): Promise<void>;
  /** Wakes up to `count` sleepers of this word, all without a count. */
  notify(word: Word, count?: number): void;
}
