/**
 * The words of the model: what an access does to them, and who sleeps.
 *
 * Everything that changes, clocks included, lies in one Int32Array with a journal, so going back to
 * an earlier state is undoing.
 *
 * Sleeping. `awaitChange` without a time limit sleeps until `notify` on its word, or returns early
 * if its thread may: see early.ts. With a limit it
 * may return whenever it likes; but a thread that looks again and finds nothing changed only goes
 * to sleep again, so it is run again only if there is news: another thread has changed a word that
 * it has read since it last slept. Its own changes are news too, but only LOOKS_MAX times in a row,
 * or two waits that make each other's grace periods end would never. If no news is left, it waits
 * for ever, and that is a failure.
 */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import { ACCESS, type Access, type AccessKind, effectsOf, isPlain } from './access.js';
import { Journal } from './journal.js';
import { Log } from './log.js';
import { Races } from './race.js';
import { Seam } from './seam.js';

/** How often in a row a napping thread looks again for no other reason than its own changes. */
const LOOKS_MAX = 1;

/**
 * Of each word: step and thread of its last change, and the last step at which another changed it.
 */
const WRITTEN = { STEP: 0, THREAD: 1, OTHER_STEP: 2, WORDS: 3 };

/** A thread's condition. */
export const STATUS = { ready: 0, asleep: 1, napping: 2, done: 3, dismissed: 4 } as const;

/** Each thread's own words in the journal. */
export const FIELD = {
  OPERATION: 0,
  BEGIN: 1,
  END: 2,
  STATUS: 3,
  SLEEPS_ON: 4,
  SLEPT_AT: 5,
  NAP: 6,
  LOOKS: 7,
  NEWS: 8,
  WOKEN_AT: 9,
  EARLY: 10,
  WORDS: 11,
};

export interface MachineOptions {
  readonly words: number;
  readonly ghostWords: number;
  readonly threads: number;
  /** How often each thread may return early. Default: never. */
  readonly early?: readonly number[] | undefined;
}

export abstract class ModelMemory extends Seam {
  readonly words: number;
  readonly threads: number;
  /** What the last step found, for its effects. */
  found = 0;
  protected readonly journal: Journal;
  readonly logs: readonly Log[];
  /** Thread whose operation runs; -1: setting up or checking, every access is done at once. */
  protected current = -1;
  protected step = 0;
  /** Threads that the last step woke and that were not brought to their next access yet: bits. */
  woken = 0;
  private readonly races: Races;
  private readonly fieldsAt: number;
  private readonly writtenAt: number;
  private readonly ghostAt: number;

  constructor(options: MachineOptions) {
    super();
    const { threads, words } = options;
    this.threads = threads;
    this.words = words;
    this.ghostAt = words;
    this.fieldsAt = words + options.ghostWords;
    this.writtenAt = this.fieldsAt + threads * FIELD.WORDS;
    const racesAt = this.writtenAt + WRITTEN.WORDS * words;
    this.journal = new Journal(racesAt + Races.words(words, threads));
    this.races = new Races(this.journal, racesAt, words, threads);
    this.logs = Array.from({ length: threads }, () => new Log());
    options.early?.forEach((times, thread) => {
      this.setField(thread, FIELD.EARLY, times);
    });
  }

  status(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.STATUS));
  }

  /** Whether the thread can make a step now. */
  enabled(thread: number): boolean {
    const status = this.status(thread);
    if (status === STATUS.ready) return true;
    if (status === STATUS.asleep) return this.journal.get(this.field(thread, FIELD.EARLY)) > 0;
    return status === STATUS.napping && this.hasNews(thread);
  }

  /** Of a thread that is enabled: whether its next step is to wake by itself. */
  wakesItself(thread: number): boolean {
    return this.status(thread) !== STATUS.ready;
  }

  /** The word that a thread sleeps on. */
  bedOf(thread: number): Word {
    return this.journal.get(this.field(thread, FIELD.SLEEPS_ON)) as Word;
  }

  /** What operation a thread is in, for reports. */
  operationOf(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.OPERATION));
  }

  /** The row of its log in which a thread's next access stands. */
  nextRow(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.END));
  }

  /** What a thread that is enabled does next; null if it wakes by itself. */
  nextAccess(thread: number): Access | null {
    if (this.wakesItself(thread)) return null;
    return (this.logs[thread] as Log).access(this.nextRow(thread));
  }

  /** The step that has last woken a thread; 0: none. */
  wokenAt(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.WOKEN_AT));
  }

  /** Word of the heap, without any record of it: for checks and reports. */
  view(word: number): number {
    return this.journal.get(word);
  }

  /** The scenario's own memory: undone with the rest, seen by no check for races. */
  getGhost(index: number): number {
    return this.journal.get(this.ghostAt + index);
  }

  setGhost(index: number, value: number): void {
    this.journal.set(this.ghostAt + index, value);
  }

  protected field(thread: number, field: number): number {
    return this.fieldsAt + thread * FIELD.WORDS + field;
  }

  protected setField(thread: number, field: number, value: number): void {
    this.journal.set(this.field(thread, field), value);
  }

  /** Does an access: what it returns, its marks in the clocks, and who it wakes. */
  protected effect(kind: AccessKind, word: Word, a: number, b: number): number {
    if (kind === ACCESS.fill || kind === ACCESS.copy) return this.range(kind, word, a, b);
    const found = this.journal.get(word);
    if (this.current >= 0) this.record(kind, word, a, found);
    if (kind !== ACCESS.load && kind !== ACCESS.peek) this.change(kind, word, a, b, found);
    // What comes after the step's own access, whose effects `found` decides, leaves it alone.
    if (this.current >= 0 && !isPlain(kind)) this.found = found;
    return found;
  }

  private change(kind: AccessKind, word: Word, a: number, b: number, found: number): void {
    switch (kind) {
      case ACCESS.store:
      case ACCESS.exchange:
      case ACCESS.poke:
        this.write(word, a);
        break;
      case ACCESS.cas:
        if (found === a) this.write(word, b);
        break;
      case ACCESS.add:
        this.write(word, (found + a) | 0);
        break;
      case ACCESS.and:
        this.write(word, found & a);
        break;
      case ACCESS.or:
        this.write(word, found | a);
        break;
      case ACCESS.xor:
        this.write(word, found ^ a);
        break;
      case ACCESS.awaitChange:
        if (found === a) this.sleep(word, STATUS.asleep);
        break;
      case ACCESS.nap:
        if (found === a) this.sleep(word, STATUS.napping);
        break;
      case ACCESS.notify:
        this.wake(word, a);
        break;
    }
  }

  private range(kind: AccessKind, word: Word, count: number, b: number): number {
    this.requireInside(word, count);
    for (let i = 0; i < count; i++) {
      const from = (b + i) as Word;
      if (kind === ACCESS.copy && this.current >= 0) this.races.plainRead(this.current, from);
      if (this.current >= 0) this.races.plainWrite(this.current, (word + i) as Word);
      this.write((word + i) as Word, kind === ACCESS.fill ? b : this.journal.get(from));
    }
    return 0;
  }

  private record(kind: AccessKind, word: Word, a: number, found: number): void {
    if (kind === ACCESS.peek) this.races.plainRead(this.current, word);
    else if (kind === ACCESS.poke) this.races.plainWrite(this.current, word);
    else if (kind !== ACCESS.notify) {
      this.races.atomic(this.current, word, effectsOf(kind, a, found), kind === ACCESS.store);
    }
  }

  private write(word: Word, value: number): void {
    const { journal } = this;
    if (journal.get(word) !== value) this.noteChange(word);
    journal.set(word, value | 0);
  }

  private noteChange(word: Word): void {
    const { journal } = this;
    const at = this.writtenAt + WRITTEN.WORDS * word;
    if (journal.get(at + WRITTEN.THREAD) !== this.current) {
      journal.set(at + WRITTEN.OTHER_STEP, journal.get(at + WRITTEN.STEP));
      journal.set(at + WRITTEN.THREAD, this.current);
    }
    journal.set(at + WRITTEN.STEP, this.step);
  }

  protected requireInside(word: number, count: number): void {
    if (Number.isInteger(word) && word >= 0 && word + count <= this.words) return;
    throw new InvariantError('X2', `thread ${this.current} touches word ${word}, outside the heap`);
  }

  private sleep(word: Word, status: number): void {
    if (this.current < 0) throw new InvariantError('X1', 'setting up would sleep for ever');
    this.setField(this.current, FIELD.STATUS, status);
    this.setField(this.current, FIELD.SLEEPS_ON, word);
    this.setField(this.current, FIELD.SLEPT_AT, this.step);
    if (status === STATUS.napping) this.noteOwnNews(this.current);
  }

  private noteOwnNews(thread: number): void {
    const looks = this.journal.get(this.field(thread, FIELD.LOOKS));
    const isNews = looks < LOOKS_MAX && this.looksDifferent(thread);
    this.setField(thread, FIELD.NEWS, isNews ? 1 : 0);
    if (isNews) this.setField(thread, FIELD.LOOKS, looks + 1);
  }

  /** Whether some word is not as the thread found it when it first read it since it last slept. */
  private looksDifferent(thread: number): boolean {
    const log = this.logs[thread] as Log;
    const seen = new Set<number>();
    return this.sinceNap(thread).some((index) => {
      const word = log.word(index);
      const isFirst = !seen.has(word);
      seen.add(word);
      return isFirst && this.journal.get(word) !== log.found(index);
    });
  }

  /** Where the log says what a thread has read in its operation since it last slept in it. */
  private sinceNap(thread: number): number[] {
    const log = this.logs[thread] as Log;
    const begin = this.journal.get(this.field(thread, FIELD.BEGIN));
    const end = this.journal.get(this.field(thread, FIELD.END));
    const rows: number[] = [];
    for (let i = Math.max(begin, this.journal.get(this.field(thread, FIELD.NAP))); i < end; i++) {
      if (readsWord(log.kind(i))) rows.push(i);
    }
    return rows;
  }

  /** Wakes the longest sleepers first, as ECMAScript's lists of waiters do. */
  private wake(word: Word, count: number): void {
    for (let woken = 0; woken < count; woken++) {
      let first = -1;
      for (let thread = 0; thread < this.threads; thread++) {
        if (!this.sleepsOn(thread, word)) continue;
        const isEarlier = first < 0 || this.sleptAt(thread) < this.sleptAt(first);
        if (isEarlier) first = thread;
      }
      if (first < 0) return;
      this.setField(first, FIELD.STATUS, STATUS.ready);
      this.setField(first, FIELD.WOKEN_AT, this.step);
      this.noteNap(first);
      this.woken |= 1 << first;
    }
  }

  private sleepsOn(thread: number, word: Word): boolean {
    const status = this.status(thread);
    const sleeps = status === STATUS.asleep || status === STATUS.napping;
    return sleeps && this.bedOf(thread) === word;
  }

  private sleptAt(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.SLEPT_AT));
  }

  /** A thread wakes by itself: a napper, or one that may return early. */
  protected wakeItself(thread: number): void {
    if (this.status(thread) === STATUS.asleep) {
      const left = this.journal.get(this.field(thread, FIELD.EARLY));
      this.setField(thread, FIELD.EARLY, left - 1);
    } else if (this.hasNewsOfOthers(thread)) this.setField(thread, FIELD.LOOKS, 0);
    this.setField(thread, FIELD.STATUS, STATUS.ready);
    this.noteNap(thread);
  }

  private noteNap(thread: number): void {
    this.setField(thread, FIELD.NAP, this.journal.get(this.field(thread, FIELD.END)));
  }

  /** Whether it is worth a napping thread's while to look again. Once true it stays so. */
  private hasNews(thread: number): boolean {
    return this.journal.get(this.field(thread, FIELD.NEWS)) === 1 || this.hasNewsOfOthers(thread);
  }

  private hasNewsOfOthers(thread: number): boolean {
    const { journal } = this;
    const log = this.logs[thread] as Log;
    return this.sinceNap(thread).some((index) => {
      const at = this.writtenAt + WRITTEN.WORDS * log.word(index);
      const isOwn = journal.get(at + WRITTEN.THREAD) === thread;
      return journal.get(at + (isOwn ? WRITTEN.OTHER_STEP : WRITTEN.STEP)) > log.step(index);
    });
  }

  /**
   * The words whose changes a thread's waking by itself depends on: of a napper those that it has
   * read since it last slept.
   */
  newsWords(thread: number): readonly number[] {
    if (this.status(thread) !== STATUS.napping) return [];
    return this.sinceNap(thread).map((index) => (this.logs[thread] as Log).word(index));
  }
}

function readsWord(kind: AccessKind): boolean {
  if (kind === ACCESS.store || kind === ACCESS.notify) return false;
  return !isPlain(kind) || kind === ACCESS.peek;
}
