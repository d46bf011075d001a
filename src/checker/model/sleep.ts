/**
 * Sleeping: who sleeps on which word, whom a `notify` wakes, and who may wake by itself.
 *
 * `awaitChange` without a time limit sleeps until `notify` on its word, or returns early if its
 * thread may: see run.ts. With a time limit it may return whenever it likes. But a thread that
 * looks again and finds nothing changed only goes to sleep again, so it is run again only if there
 * is news: another thread has changed a word that it has read since it last slept. Its own changes
 * are news too, but only LOOKS_MAX times in a row while others can go on: else two waits that make
 * each other's grace periods end would be explored with every number of looks. Where nobody can go
 * on, its time comes. If no news is left then, it waits for ever, and that is a failure.
 *
 * Asleep with a time limit is called dozing here.
 */
import type { Word } from '../../core/base/units.js';
import { ACCESS, type AccessKind, isPlain } from './access.js';
import type { Log } from './log.js';
import { FIELD, STATUS, type State } from './state.js';

/** How often in a row a dozing thread looks again for no other reason than its own changes. */
const LOOKS_MAX = 1;

const NONE: readonly number[] = [];

export class Sleepers {
  /** Threads that the last step woke and that were not brought to their next access yet: bits. */
  woken = 0;
  /** Words for whose changes the dozing threads among those would have woken by themselves. */
  missed: readonly number[] = NONE;
  /** Whether any thread has dozed, in any execution. */
  hasDozed = false;
  /** Whether a wait that ends comes after who ended it, and after who went to sleep before. */
  readonly waitsOrder: boolean;
  private readonly state: State;
  private readonly logs: readonly Log[];

  constructor(state: State, logs: readonly Log[], waitsOrder: boolean) {
    this.state = state;
    this.logs = logs;
    this.waitsOrder = waitsOrder;
  }

  status(thread: number): number {
    return this.state.getField(thread, FIELD.STATUS);
  }

  /** Whether a thread can make a step now. */
  mayStep(thread: number): boolean {
    const status = this.status(thread);
    if (status === STATUS.ready) return true;
    if (status === STATUS.asleep) return this.state.getField(thread, FIELD.EARLY) > 0;
    if (status !== STATUS.dozing) return false;
    return this.hasNews(thread) || (this.isStill() && this.looksDifferent(thread));
  }

  /** The threads that can make a step now, as bits. */
  enabledThreads(): number {
    let enabled = 0;
    for (let thread = 0; thread < this.state.threads; thread++) {
      if (this.mayStep(thread)) enabled |= 1 << thread;
    }
    return enabled;
  }

  /** Whether some thread has assumed what is not so. */
  hasDismissed(): boolean {
    for (let thread = 0; thread < this.state.threads; thread++) {
      if (this.status(thread) === STATUS.dismissed) return true;
    }
    return false;
  }

  /** Whether no thread can make a step before a dozing one's time comes. */
  private isStill(): boolean {
    for (let thread = 0; thread < this.state.threads; thread++) {
      const status = this.status(thread);
      if (status === STATUS.ready) return false;
      if (status === STATUS.asleep && this.state.getField(thread, FIELD.EARLY) > 0) return false;
      if (status === STATUS.dozing && this.hasNews(thread)) return false;
    }
    return true;
  }

  /** The word that a thread sleeps on. */
  wordOf(thread: number): Word {
    return this.state.getField(thread, FIELD.SLEEPS_ON) as Word;
  }

  /** The step that has last woken a thread; 0: none. */
  wokenAt(thread: number): number {
    return this.state.getField(thread, FIELD.WOKEN_AT);
  }

  /** Puts a thread to sleep on a word. */
  sleep(thread: number, word: Word, status: number, step: number): void {
    const { state } = this;
    state.setField(thread, FIELD.STATUS, status);
    state.setField(thread, FIELD.SLEEPS_ON, word);
    state.setField(thread, FIELD.SLEPT_AT, step);
    if (status !== STATUS.dozing) return;
    this.hasDozed = true;
    this.noteOwnNews(thread);
  }

  /** A thread is not begun before a `notify` of a word. */
  bear(thread: number, word: Word): void {
    this.sleep(thread, word, STATUS.unborn, 0);
  }

  /** A thread is killed, whatever it does, unless it has ended. */
  die(thread: number): void {
    if (this.status(thread) === STATUS.done) return;
    this.state.setField(thread, FIELD.STATUS, STATUS.dead);
  }

  /** Whether a thread is not begun yet that a `notify` of a word would begin. */
  hasUnborn(word: Word): boolean {
    const first = this.longestOn(word);
    return first >= 0 && this.status(first) === STATUS.unborn;
  }

  /** Wakes the longest sleepers first, as ECMAScript's lists of waiters do. */
  wake(word: Word, count: number, step: number): void {
    const { state } = this;
    for (let woken = 0; woken < count; woken++) {
      const first = this.longestOn(word);
      if (first < 0) return;
      state.setField(first, FIELD.WOKEN_AT, step);
      const news = this.newsWords(first);
      if (news.length > 0) this.missed = [...this.missed, ...news];
      if (this.waitsOrder || this.status(first) === STATUS.unborn) state.races.pass(first, word);
      this.getUp(first);
      this.woken |= 1 << first;
    }
  }

  /** What a step that is to come has woken nobody yet. */
  begin(): void {
    this.woken = 0;
    this.missed = NONE;
  }

  /** Words for whose changes the threads that doze on a word would wake by themselves. */
  newsOn(word: number): readonly number[] {
    if (!this.hasDozed) return NONE;
    const threads = Array.from({ length: this.state.threads }, (_, thread) => thread);
    return threads
      .filter((thread) => this.sleepsOn(thread, word as Word))
      .flatMap((thread) => this.newsWords(thread));
  }

  /** A thread wakes by itself: a dozing one, or one that may return early. */
  wakeItself(thread: number): void {
    const { state } = this;
    if (this.status(thread) === STATUS.asleep) {
      state.setField(thread, FIELD.EARLY, state.getField(thread, FIELD.EARLY) - 1);
    } else {
      if (this.hasNewsOfOthers(thread)) state.setField(thread, FIELD.LOOKS, 0);
      if (this.waitsOrder) state.races.pass(thread, this.wordOf(thread));
    }
    this.getUp(thread);
  }

  /**
   * The words whose changes a thread's waking by itself depends on: of a dozing thread those that
   * it has read since it last slept.
   */
  newsWords(thread: number): readonly number[] {
    if (this.status(thread) !== STATUS.dozing) return [];
    return this.readSinceAwake(thread).map((row) => (this.logs[thread] as Log).word(row));
  }

  /** How many sleep on a thread's word for longer than it does. */
  placeInLine(thread: number): number {
    const [word, sleptAt] = [this.wordOf(thread), this.sleptAt(thread)];
    let place = 0;
    for (let other = 0; other < this.state.threads; other++) {
      if (this.sleepsOn(other, word) && this.sleptAt(other) < sleptAt) place++;
    }
    return place;
  }

  /** Gives to `take` what decides whether a thread that dozes, or may doze later, has news. */
  outline(thread: number, take: (value: number) => void): void {
    const { state } = this;
    const log = this.logs[thread] as Log;
    take(state.getField(thread, FIELD.LOOKS));
    take(state.getField(thread, FIELD.NEWS));
    // Of each word what was found first, and whether it has changed since it was read.
    const first = new Map<number, number>();
    const changed = new Set<number>();
    for (const row of this.readSinceAwake(thread)) {
      const word = log.word(row);
      if (!first.has(word)) first.set(word, log.found(row));
      if (state.changedByOther(word, thread, log.step(row))) changed.add(word);
    }
    for (const [word, found] of first) {
      take(word);
      take(found);
      take(changed.has(word) ? 1 : 0);
    }
    take(-1);
  }

  private getUp(thread: number): void {
    const { state } = this;
    state.setField(thread, FIELD.STATUS, STATUS.ready);
    state.setField(thread, FIELD.AWAKE_FROM, state.getField(thread, FIELD.END));
  }

  /** The thread that has slept on a word for the longest time; -1: none. */
  private longestOn(word: Word): number {
    let first = -1;
    for (let thread = 0; thread < this.state.threads; thread++) {
      if (!this.sleepsOn(thread, word)) continue;
      if (first < 0 || this.sleptAt(thread) < this.sleptAt(first)) first = thread;
    }
    return first;
  }

  private sleepsOn(thread: number, word: Word): boolean {
    const status = this.status(thread);
    const sleeps = status === STATUS.asleep || status === STATUS.dozing || status === STATUS.unborn;
    return sleeps && this.wordOf(thread) === word;
  }

  private sleptAt(thread: number): number {
    return this.state.getField(thread, FIELD.SLEPT_AT);
  }

  /** Whether it is worth a dozing thread's while to look again. Once true it stays so. */
  private hasNews(thread: number): boolean {
    return this.state.getField(thread, FIELD.NEWS) === 1 || this.hasNewsOfOthers(thread);
  }

  private hasNewsOfOthers(thread: number): boolean {
    const log = this.logs[thread] as Log;
    return this.readSinceAwake(thread).some((row) =>
      this.state.changedByOther(log.word(row), thread, log.step(row)),
    );
  }

  private noteOwnNews(thread: number): void {
    const { state } = this;
    const looks = state.getField(thread, FIELD.LOOKS);
    const isNews = looks < LOOKS_MAX && this.looksDifferent(thread);
    state.setField(thread, FIELD.NEWS, isNews ? 1 : 0);
    if (isNews) state.setField(thread, FIELD.LOOKS, looks + 1);
  }

  /** Whether some word is not as the thread found it when it first read it since it last slept. */
  private looksDifferent(thread: number): boolean {
    const log = this.logs[thread] as Log;
    const seen = new Set<number>();
    return this.readSinceAwake(thread).some((row) => {
      const word = log.word(row);
      const isFirst = !seen.has(word);
      seen.add(word);
      return isFirst && this.state.view(word) !== log.found(row);
    });
  }

  /** The rows of its log in which a thread has read since it last slept in its operation. */
  private readSinceAwake(thread: number): number[] {
    const { state } = this;
    const log = this.logs[thread] as Log;
    const begin = state.getField(thread, FIELD.BEGIN);
    const end = state.getField(thread, FIELD.END);
    const rows: number[] = [];
    for (let row = Math.max(begin, state.getField(thread, FIELD.AWAKE_FROM)); row < end; row++) {
      if (reads(log.kind(row))) rows.push(row);
    }
    return rows;
  }
}

function reads(kind: AccessKind): boolean {
  if (kind === ACCESS.store || kind === ACCESS.notify) return false;
  return !isPlain(kind) || kind === ACCESS.peek;
}
