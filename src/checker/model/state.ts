/**
 * All that changes in the model, in one Int32Array with a journal, so that going back to an earlier
 * state is undoing: the heap's words, the scenario's ghost words, how far each thread is, when each
 * word was last changed, and the clocks that find races.
 */
import type { Word } from '../../core/base/units.js';
import { setOf } from './bits.js';
import { Races } from './race.js';

/**
 * A thread's condition. `dozing` is asleep with a time limit: see sleep.ts; `unborn` is not spawned
 * yet: see spawn.ts; `dead` was killed: see deaths.ts.
 */
export const STATUS = {
  ready: 0,
  asleep: 1,
  dozing: 2,
  done: 3,
  dismissed: 4,
  unborn: 5,
  dead: 6,
} as const;

/**
 * Each thread's own words.
 *
 *   OPERATION   which of its operations it is in
 *   BEGIN, END  where that one begins in the thread's log, and where the log ends
 *   STATUS      see above
 *   SLEEPS_ON   the word whose notify would wake it
 *   SLEPT_AT    the step at which it went to sleep
 *   AWAKE_FROM  where its log ended when it last woke
 *   LOOKS       how often in a row it woke for no reason but its own changes
 *   NEWS        1: a change of its own is worth another look
 *   WOKEN_AT    the step whose notify last woke it; 0: none
 *   EARLY       how often it may still return early
 *   ROUND       how often it has begun again: see `Setup.forEver`
 */
export const FIELD = {
  OPERATION: 0,
  BEGIN: 1,
  END: 2,
  STATUS: 3,
  SLEEPS_ON: 4,
  SLEPT_AT: 5,
  AWAKE_FROM: 6,
  LOOKS: 7,
  NEWS: 8,
  WOKEN_AT: 9,
  EARLY: 10,
  ROUND: 11,
  WORDS: 12,
} as const;

/**
 * Of each word: step and thread of its last change, and the last step at which another thread than
 * that one changed it.
 */
const CHANGED = { STEP: 0, THREAD: 1, OTHER_STEP: 2, WORDS: 3 } as const;

export interface Sizes {
  readonly words: number;
  readonly ghostWords: number;
  readonly threads: number;
  /** Threads that may be killed: their plain writes are steps. */
  readonly killed?: readonly number[] | undefined;
}

export class State {
  readonly words: number;
  readonly threads: number;
  readonly journal: Journal;
  readonly races: Races;
  /** Words that some thread has accessed, in any execution. */
  readonly touched: number[] = [];
  private readonly mortal: number;
  private readonly isTouched: Uint8Array;
  private readonly ghostAt: number;
  private readonly fieldsAt: number;
  private readonly changedAt: number;

  constructor({ words, ghostWords, threads, killed = [] }: Sizes) {
    this.words = words;
    this.threads = threads;
    this.mortal = setOf(killed);
    this.isTouched = new Uint8Array(words);
    this.ghostAt = words;
    this.fieldsAt = words + ghostWords;
    this.changedAt = this.fieldsAt + threads * FIELD.WORDS;
    const racesAt = this.changedAt + CHANGED.WORDS * words;
    this.journal = new Journal(racesAt + Races.words(words, threads));
    this.races = new Races(this.journal, racesAt, words, threads);
  }

  /** Whether a thread may be killed. */
  isMortal(thread: number): boolean {
    return ((this.mortal >>> thread) & 1) !== 0;
  }

  /** A word of the heap, without any record that it was read. */
  view(word: number): number {
    return this.journal.get(word);
  }

  /** A thread accesses a word. */
  touch(word: number): void {
    if (this.isTouched[word] !== 0) return;
    this.isTouched[word] = 1;
    this.touched.push(word);
  }

  /** Writes a word of the heap; `thread` is -1 while setting up. */
  write(word: Word, value: number, thread: number, step: number): void {
    const { journal } = this;
    if (journal.get(word) !== value) this.noteChange(word, thread, step);
    journal.set(word, value | 0);
  }

  private noteChange(word: Word, thread: number, step: number): void {
    const { journal } = this;
    const at = this.changedAt + CHANGED.WORDS * word;
    if (journal.get(at + CHANGED.THREAD) !== thread) {
      journal.set(at + CHANGED.OTHER_STEP, journal.get(at + CHANGED.STEP));
      journal.set(at + CHANGED.THREAD, thread);
    }
    journal.set(at + CHANGED.STEP, step);
  }

  /** Whether another thread has changed a word after a step. */
  changedByOther(word: Word, thread: number, step: number): boolean {
    const { journal } = this;
    const at = this.changedAt + CHANGED.WORDS * word;
    const isOwn = journal.get(at + CHANGED.THREAD) === thread;
    return journal.get(at + (isOwn ? CHANGED.OTHER_STEP : CHANGED.STEP)) > step;
  }

  /** The scenario's own memory: undone with the rest, seen by no check for races. */
  getGhost(index: number): number {
    return this.journal.get(this.ghostAt + index);
  }

  setGhost(index: number, value: number): void {
    this.journal.set(this.ghostAt + index, value);
  }

  getField(thread: number, field: number): number {
    return this.journal.get(this.fieldsAt + thread * FIELD.WORDS + field);
  }

  setField(thread: number, field: number, value: number): void {
    this.journal.set(this.fieldsAt + thread * FIELD.WORDS + field, value);
  }
}

/** An Int32Array whose changes can be undone back to a mark. */
export class Journal {
  private readonly values: Int32Array;
  private entries: Int32Array = new Int32Array(1 << 16);
  private length = 0;

  constructor(words: number) {
    this.values = new Int32Array(words);
  }

  get(index: number): number {
    return this.values[index] as number;
  }

  set(index: number, value: number): void {
    if (this.length + 2 > this.entries.length) this.grow();
    this.entries[this.length] = index;
    this.entries[this.length + 1] = this.values[index] as number;
    this.length += 2;
    this.values[index] = value;
  }

  private grow(): void {
    const entries = new Int32Array(this.entries.length * 2);
    entries.set(this.entries);
    this.entries = entries;
  }

  mark(): number {
    return this.length;
  }

  restore(mark: number): void {
    const { values, entries } = this;
    for (let i = this.length - 2; i >= mark; i -= 2) {
      values[entries[i] as number] = entries[i + 1] as number;
    }
    this.length = mark;
  }

  /** What was done so far can't be undone any more. */
  forget(): void {
    this.length = 0;
  }
}
