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
 *   glance          as cheap as peek, of a word that others may `store` to meanwhile: the value is
 *                   no older than what this thread knows of. A scheduling point, but no OBSERVE
 *   fill, copy      plain, over a range
 *   awaitChange     compares and sleeps in one step: no wake-up can fall between the two
 *
 * All values are signed 32-bit integers.
 */
import type { Word } from '../base/units.js';

/**
 * Shared memory by words of 32 bits, as users have it: a word is any number, counted from the first
 * word of the heap.
 */
export interface SharedWords<Address extends number = number> {
  /** Whether `awaitChange` really sleeps. False on a browser's main thread, which may not. */
  readonly maySleep: boolean;

  load(word: Address): number;
  store(word: Address, value: number): void;
  /** Stores `value` if the word holds `expected`. Returns what the word held before. */
  cas(word: Address, expected: number, value: number): number;
  /** These five return what the word held before. */
  exchange(word: Address, value: number): number;
  add(word: Address, value: number): number;
  and(word: Address, value: number): number;
  or(word: Address, value: number): number;
  xor(word: Address, value: number): number;

  glance(word: Address): number;
  peek(word: Address): number;
  poke(word: Address, value: number): void;
  fill(word: Address, count: number, value: number): void;
  copy(to: Address, from: Address, count: number): void;

  /**
   * Sleeps until `notify` on this word, but only if the word still holds `seen`; at most `msMax`
   * milliseconds. It may return early and for no reason: callers look again in a loop. True: the
   * time was up, so nobody woke this thread.
   */
  awaitChange(word: Address, seen: number, msMax?: number): boolean;
  /** The same for a thread that must not sleep: resolves where the other returns. */
  awaitChangeAsync(word: Address, seen: number, msMax?: number): Promise<void>;
  /** Wakes up to `count` sleepers of this word, all without a count. */
  notify(word: Address, count?: number): void;
}

/** The same as the core has it: the compiler refuses an address that nobody made a `Word`. */
export type Memory = SharedWords<Word>;
