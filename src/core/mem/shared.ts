/**
 * The seam over a `SharedArrayBuffer`: what ships, and the only file that says Atomics.
 *
 * One `Int32Array` over a buffer of fixed length. Not a growable buffer (a plain access to one
 * costs 30 times more in V8), not several view types (a call site that has seen two is slower for
 * ever), no `DataView` (it tears). The view is a public readonly field: a private `#` one costs a
 * third more per access.
 */
import { showAs } from '../base/shown.js';
import type { Word } from '../base/units.js';
import type { Memory } from './memory.js';

/** The buffers a heap can live in; a shared `WebAssembly.Memory`'s buffer is one. */
export type HeapBuffer = SharedArrayBuffer;

/** An engine without Atomics may import this; `isSupported` says no there. */
const ATOMICS = typeof Atomics === 'undefined' ? ({} as typeof Atomics) : Atomics;

// Consts of this module, not properties looked up at each call: V8 inlines a method of at most 27
// bytes of bytecode wherever it is called, a longer one only while a caller's budget lasts.
const { load, store, compareExchange, exchange, add, and, or, xor } = ATOMICS;

const ATOMICS_ASYNC = ATOMICS as unknown as {
  waitAsync?: (
    words: Int32Array,
    index: number,
    value: number,
    msMax?: number,
  ) => { async: boolean; value: string | Promise<string> };
};

/** Where `Atomics.waitAsync` is missing, an asynchronous wait looks again after this long. */
const ASYNC_POLL_MS = 1;

export class SharedMemory implements Memory {
  readonly words: Int32Array;
  readonly maySleep: boolean;
  private readonly now: (() => number) | null;

  /** `now`: a clock in milliseconds, for a thread that may not sleep to tell when time is up. */
  constructor(words: Int32Array, maySleep: boolean, now: (() => number) | null = null) {
    this.words = words;
    this.maySleep = maySleep;
    this.now = now;
  }

  load(word: Word): number {
    return load(this.words, word);
  }

  store(word: Word, value: number): void {
    store(this.words, word, value);
  }

  cas(word: Word, expected: number, value: number): number {
    return compareExchange(this.words, word, expected, value);
  }

  exchange(word: Word, value: number): number {
    return exchange(this.words, word, value);
  }

  add(word: Word, value: number): number {
    return add(this.words, word, value);
  }

  and(word: Word, value: number): number {
    return and(this.words, word, value);
  }

  or(word: Word, value: number): number {
    return or(this.words, word, value);
  }

  xor(word: Word, value: number): number {
    return xor(this.words, word, value);
  }

  // A plain read, which may race with atomic writes alone: a word is not torn, and by JavaScript's
  // memory model what happens before the read overwrites what is older.
  glance(word: Word): number {
    return this.words[word] as number;
  }

  // Words are never out of range here: the layout decides them all.
  peek(word: Word): number {
    return this.words[word] as number;
  }

  poke(word: Word, value: number): void {
    this.words[word] = value;
  }

  fill(word: Word, count: number, value: number): void {
    this.words.fill(value, word, word + count);
  }

  copy(to: Word, from: Word, count: number): void {
    this.words.copyWithin(to, from, from + count);
  }

  awaitChange(word: Word, seen: number, msMax?: number): boolean {
    if (this.maySleep) return Atomics.wait(this.words, word, seen, msMax) === 'timed-out';
    // A thread that may not sleep spins, here or in its caller's loop. Only the short locks are
    // waited for there (rcu/wait.ts refuses the long waits).
    if (msMax === undefined || this.now === null) return false;
    const end = this.now() + msMax;
    while (load(this.words, word) === seen) if (this.now() >= end) return true;
    return false;
  }

  async awaitChangeAsync(word: Word, seen: number, msMax?: number): Promise<void> {
    if (ATOMICS_ASYNC.waitAsync === undefined) {
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(msMax ?? ASYNC_POLL_MS, ASYNC_POLL_MS)),
      );
      return;
    }
    await ATOMICS_ASYNC.waitAsync(this.words, word, seen, msMax).value;
  }

  notify(word: Word, count?: number): void {
    Atomics.notify(this.words, word, count);
  }
}

showAs(SharedMemory.prototype, ({ words }) => `Memory of ${words.length} words`);

/** Asks a buffer itself, whatever window it comes from; of anything else the call throws. */
const BYTES_OF_SHARED =
  typeof SharedArrayBuffer === 'undefined'
    ? undefined
    : Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'byteLength')?.get;

/** The length of a buffer that threads can share, in bytes; null for everything else. */
export function sharedBytes(value: unknown): number | null {
  try {
    return (BYTES_OF_SHARED?.call(value) as number | undefined) ?? null;
  } catch {
    return null;
  }
}

/** The first word that is not 0; null if all are. It reads each one: 1 GiB takes about a second. */
export function firstNotZero(words: Int32Array): Word | null {
  let word = 0;
  while (word + 4 <= words.length && areFourZero(words, word)) word += 4;
  for (; word < words.length; word++) if (words[word] !== 0) return word as Word;
  return null;
}

/** One comparison for all four: three times as fast as one for each. */
function areFourZero(words: Int32Array, from: number): boolean {
  const lower = (words[from] as number) | (words[from + 1] as number);
  return (lower | (words[from + 2] as number) | (words[from + 3] as number)) === 0;
}

/** A view of `count` words of a buffer, from byte `byteOffset` (a multiple of 4) on. */
export function viewWords(buffer: HeapBuffer, byteOffset: number, count: number): Int32Array {
  return new Int32Array(buffer, byteOffset, count);
}

/** A shared buffer of fixed length. The OS commits its pages when they are touched, not now. */
export function reserveBuffer(bytes: number): HeapBuffer {
  return new SharedArrayBuffer(bytes);
}

/**
 * Words of one thread's own, all 0. Shared memory even so: a call site that has seen the views of
 * two kinds of buffer is slower for ever.
 */
export function privateMemory(words: number): Memory {
  return new SharedMemory(viewWords(reserveBuffer(words * 4), 0, words), false);
}

/** Whether this thread may sleep. A probe: no property tells. */
export function mayThreadSleep(): boolean {
  const probe = new Int32Array(new SharedArrayBuffer(4));
  try {
    // The word is not 1, so this returns at once where waiting is allowed, and throws where not.
    Atomics.wait(probe, 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
