/**
 * The machine: shared memory as a model, and threads that advance by one access at a time.
 *
 * A thread runs operations, plain functions over the seam. To advance one, its current operation is
 * run again from the start: the accesses that it already made are answered from its log, then one
 * atomic access is done for real, and at the next one a frozen constant is thrown. No generators, no
 * build step: it is the shipping code that runs.
 *
 * Plain accesses are done as soon as the thread gets to them. They are no scheduling points: if two
 * threads' plain accesses could meet unordered, that is a data race, which is a failure by itself
 * (race.ts), and if they can't, moving them changes nothing.
 *
 * Everything that changes, clocks included, lies in one Int32Array with a journal, so going back to
 * an earlier state is undoing.
 *
 * Sleeping. `awaitChange` without a time limit sleeps until `notify` on its word. With a limit it may
 * return whenever it likes; but a thread that looks again and finds nothing changed only goes to
 * sleep again, so it is run again only if there is news: another thread has changed a word that it
 * has read since it last slept. Its own changes are news too, but only LOOKS_MAX times in a row, or
 * two waits that make each other's grace periods end would never. If no news is left, it waits for
 * ever, and that is a failure.
 */
import { InvariantError } from '../base/errors.js';
import type { Word } from '../base/units.js';
import type { Memory } from '../mem/memory.js';
import { ACCESS, type Access, type AccessKind, effectsOf, WRITES } from './access.js';
import { Journal } from './journal.js';
import { Races } from './race.js';

/** An operation: it may use only the seam, its arguments, and what earlier operations returned. */
export type Operation = (results: readonly unknown[]) => unknown;

/** What ends an operation that is to be continued later. Thrown, never caught by the core. */
const SUSPENDED: object = Object.freeze({ suspended: true });

/** Accesses of one operation, over which it is taken to never end. */
const OPERATION_ACCESSES_MAX = 2_000;

/** How often in a row a napping thread looks again for no other reason than its own changes. */
const LOOKS_MAX = 1;

/** Of each word: step and thread of its last change, and the last step at which another changed it. */
const WRITTEN = { STEP: 0, THREAD: 1, OTHER_STEP: 2, WORDS: 3 };

/** A thread's condition. */
export const STATUS = { ready: 0, asleep: 1, napping: 2, done: 3 } as const;

/** Each thread's own words in the journal. */
const FIELD = {
  OPERATION: 0,
  BEGIN: 1,
  END: 2,
  STATUS: 3,
  SLEEPS_ON: 4,
  SLEPT_AT: 5,
  NAP: 6,
  LOOKS: 7,
  NEWS: 8,
  WORDS: 9,
};

/** What a thread did, kept for the next time that its operation is run. */
interface LogEntry {
  readonly access: Access;
  readonly found: number;
  /** Number of the machine's step at which it was done. */
  readonly step: number;
}

export interface MachineOptions {
  readonly words: number;
  readonly ghostWords: number;
  readonly threads: number;
}

/** Called when an operation has returned, once: the place to keep ghosts and to check results. */
export type OnReturn = (thread: number, operation: number, result: unknown) => void;

/** What a thread's run ended with, if not with a suspension. */
export interface Thrown {
  readonly thread: number;
  readonly error: unknown;
}

export class Machine implements Memory {
  readonly maySleep = true;
  readonly threads: number;
  /** The next atomic access of each thread that is ready; null for the others. */
  readonly pending: (Access | null)[];
  thrown: Thrown | null = null;
  /** What the last step found, for its effects. */
  found = 0;
  private readonly journal: Journal;
  private onReturn: OnReturn | undefined;
  private readonly races: Races;
  private programs: readonly (readonly Operation[])[] = [];
  private readonly logs: LogEntry[][];
  private readonly results: unknown[][];
  private readonly words: number;
  private readonly fieldsAt: number;
  private readonly writtenAt: number;
  private readonly ghostAt: number;
  /** Thread whose operation runs; -1: setting up or checking, every access is done at once. */
  private current = -1;
  /** Of the running operation: its thread's log, where it begins and ends in it, and how far it is. */
  private log: LogEntry[] = [];
  private begun = 0;
  private end = 0;
  private position = 0;
  private granted = false;
  /** What the running thread was about to do when it was suspended. */
  private due: Access | null = null;
  private goOn: ((thread: number) => boolean) | null = null;
  private suspending = false;
  private step = 0;

  constructor(options: MachineOptions) {
    const { threads, words } = options;
    this.threads = threads;
    this.words = words;
    this.ghostAt = words;
    this.fieldsAt = words + options.ghostWords;
    this.writtenAt = this.fieldsAt + this.threads * FIELD.WORDS;
    const racesAt = this.writtenAt + WRITTEN.WORDS * words;
    this.journal = new Journal(racesAt + Races.words(words, this.threads));
    this.races = new Races(this.journal, racesAt, words, this.threads);
    this.pending = Array.from({ length: threads }, () => null);
    this.logs = this.pending.map(() => []);
    this.results = this.pending.map(() => []);
  }

  /** Ends setting up: gives each thread its operations and brings it to its first atomic access. */
  begin(programs: readonly (readonly Operation[])[], onReturn?: OnReturn): void {
    this.programs = programs;
    this.onReturn = onReturn;
    this.journal.forget();
    for (let thread = 0; thread < this.threads; thread++) this.advance(thread);
  }

  /** A point to come back to. */
  mark(): number {
    return this.journal.mark();
  }

  /** Goes back; `pending` must be put back by the caller. */
  restore(mark: number, step: number): void {
    this.journal.restore(mark);
    this.step = step;
    this.thrown = null;
  }

  get steps(): number {
    return this.step;
  }

  status(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.STATUS));
  }

  /** Whether the thread can make a step now. */
  enabled(thread: number): boolean {
    const status = this.status(thread);
    if (status === STATUS.ready) return true;
    return status === STATUS.napping && this.hasNews(thread);
  }

  /** What operation a thread is in, for reports. */
  operationOf(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.OPERATION));
  }

  resultsOf(thread: number): readonly unknown[] {
    return this.results[thread]?.slice(0, this.operationOf(thread)) ?? [];
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

  /**
   * Lets a thread do its pending access and run up to its next one. There `goOn` is asked whether it
   * should do that one too, which saves throwing it out of its operation and running that again.
   */
  perform(thread: number, goOn: ((thread: number) => boolean) | null = null): void {
    this.step++;
    if (this.status(thread) === STATUS.napping) this.wakeNapper(thread);
    else this.granted = true;
    this.due = this.pending[thread] ?? null;
    this.goOn = goOn;
    this.advance(thread);
    this.goOn = null;
    for (let other = 0; other < this.threads; other++) {
      const woken = other !== thread && this.pending[other] === null;
      if (woken && this.thrown === null && this.status(other) === STATUS.ready) this.advance(other);
    }
  }

  /** Runs a thread from its log up to the next thing that must be decided outside. */
  private advance(thread: number): void {
    const program = this.programs[thread] as readonly Operation[];
    const results = this.results[thread] as unknown[];
    this.pending[thread] = null;
    this.current = thread;
    for (;;) {
      const operation = this.operationOf(thread);
      if (operation === program.length) {
        this.setField(thread, FIELD.STATUS, STATUS.done);
        break;
      }
      this.begun = this.journal.get(this.field(thread, FIELD.BEGIN));
      this.end = this.journal.get(this.field(thread, FIELD.END));
      this.position = this.begun;
      this.log = this.logs[thread] as LogEntry[];
      this.suspending = false;
      try {
        const result = (program[operation] as Operation)(results);
        this.requireReturned(thread, result);
        results[operation] = result;
        this.setField(thread, FIELD.OPERATION, operation + 1);
        this.setField(thread, FIELD.BEGIN, this.position);
        this.current = -1;
        this.onReturn?.(thread, operation, results[operation]);
        this.current = thread;
      } catch (error) {
        if (error !== SUSPENDED) this.thrown = { thread, error: this.causeOf(thread, error) };
        break;
      }
    }
    this.suspending = false;
    this.granted = false;
    this.current = -1;
  }

  private causeOf(thread: number, error: unknown): unknown {
    const isOurs = (Object(error) as { rule?: string }).rule?.startsWith('X') === true;
    return this.suspending && !isOurs ? swallowed(thread) : error;
  }

  private field(thread: number, field: number): number {
    return this.fieldsAt + thread * FIELD.WORDS + field;
  }

  private setField(thread: number, field: number, value: number): void {
    this.journal.set(this.field(thread, field), value);
  }

  /** An access of the running thread: from its log, or done now, or the point to stop at. */
  private access(kind: AccessKind, word: Word, a: number, b: number): number {
    if (this.current < 0) return this.effect({ kind, word, a, b });
    // A `finally` on the way out of a suspended operation.
    if (this.suspending) return 0;
    const { current: thread, log, end } = this;
    if (this.position < end) return this.answer(log[this.position++] as LogEntry, kind, word, a, b);
    const access: Access = { kind, word, a, b };
    const plain = isPlain(kind);
    if (!plain && !this.granted && !this.mayGoOn(thread, access)) {
      return this.suspend(thread, access);
    }
    if (!plain) this.requireDue(thread, access);
    this.granted = plain ? this.granted : false;
    if (end - this.begun > OPERATION_ACCESSES_MAX) {
      throw new InvariantError('X8', `thread ${thread}: an operation made too many accesses`);
    }
    const found = this.effect(access);
    log[end] = { access, found, step: this.step };
    this.setField(thread, FIELD.END, end + 1);
    this.end = end + 1;
    this.position = end + 1;
    if (this.status(thread) !== STATUS.ready) return this.suspend(thread, null);
    return found;
  }

  private mayGoOn(thread: number, access: Access): boolean {
    if (this.goOn === null) return false;
    // A thread that was woken by the last step has yet to be brought to its next access.
    for (let other = 0; other < this.threads; other++) {
      const isWoken = other !== thread && this.pending[other] === null;
      if (isWoken && this.status(other) === STATUS.ready) return false;
    }
    this.pending[thread] = access;
    if (!this.goOn(thread)) return false;
    this.pending[thread] = null;
    this.due = access;
    this.step++;
    return true;
  }

  private suspend(thread: number, access: Access | null): never {
    this.pending[thread] = access;
    this.suspending = true;
    throw SUSPENDED;
  }

  private requireDue(thread: number, { kind, word, a, b }: Access): void {
    const { due } = this;
    if (due === null) return;
    if (due.kind === kind && due.word === word && due.a === a && due.b === b) return;
    throw differs(thread, due, { kind, word, a, b });
  }

  /** The same access must come again when an operation is run again: it is a function of its log. */
  private answer(entry: LogEntry, kind: AccessKind, word: Word, a: number, b: number): number {
    const was = entry.access;
    if (was.kind === kind && was.word === word && was.a === a && was.b === b) return entry.found;
    throw differs(this.current, was, { kind, word, a, b });
  }

  /** An operation has returned by itself: not by catching its suspension, and not to go on later. */
  private requireReturned(thread: number, result: unknown): void {
    if (result instanceof Promise) {
      // It is going to reject with the suspension, which concerns nobody.
      result.catch(() => undefined);
      throw new InvariantError('X1', `thread ${thread}: an operation is an async function`);
    }
    if (this.suspending) throw swallowed(thread);
    if (this.position === this.journal.get(this.field(thread, FIELD.END))) return;
    const log = this.logs[thread] as LogEntry[];
    throw differs(thread, (log[this.position] as LogEntry).access, null);
  }

  /** Does an access: what it returns, its marks in the clocks, and who it wakes. */
  private effect(access: Access): number {
    const { kind, word, a, b } = access;
    if (kind === ACCESS.fill || kind === ACCESS.copy) return this.range(access);
    this.requireInside(word, 1);
    const found = this.journal.get(word);
    if (this.current >= 0) this.record(access, found);
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
    // Plain accesses come after the step's own access, whose effects `found` decides.
    if (!isPlain(kind)) this.found = found;
    return found;
  }

  private range({ kind, word, a, b }: Access): number {
    this.requireInside(word, a);
    for (let i = 0; i < a; i++) {
      const from = (b + i) as Word;
      if (kind === ACCESS.copy && this.current >= 0) this.races.plainRead(this.current, from);
      if (this.current >= 0) this.races.plainWrite(this.current, (word + i) as Word);
      this.write((word + i) as Word, kind === ACCESS.fill ? b : this.journal.get(from));
    }
    return 0;
  }

  private record(access: Access, found: number): void {
    const { kind, word } = access;
    if (kind === ACCESS.peek) this.races.plainRead(this.current, word);
    else if (kind === ACCESS.poke) this.races.plainWrite(this.current, word);
    else if (kind !== ACCESS.notify) {
      this.races.atomic(this.current, word, effectsOf(access, found), kind === ACCESS.store);
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

  private requireInside(word: number, count: number): void {
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
    const seen = new Set<number>();
    return this.sinceNap(thread).some(({ access: { word }, found }) => {
      const isFirst = !seen.has(word);
      seen.add(word);
      return isFirst && this.journal.get(word) !== found;
    });
  }

  /** What a thread has read in its operation since it last slept in it. */
  private sinceNap(thread: number): LogEntry[] {
    const begin = this.journal.get(this.field(thread, FIELD.BEGIN));
    const from = Math.max(begin, this.journal.get(this.field(thread, FIELD.NAP)));
    const end = this.journal.get(this.field(thread, FIELD.END));
    const log = (this.logs[thread] as LogEntry[]).slice(from, end);
    return log.filter(({ access }) => readsWord(access.kind));
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
      this.noteNap(first);
    }
  }

  private sleepsOn(thread: number, word: Word): boolean {
    const status = this.status(thread);
    const sleeps = status === STATUS.asleep || status === STATUS.napping;
    return sleeps && this.journal.get(this.field(thread, FIELD.SLEEPS_ON)) === word;
  }

  private sleptAt(thread: number): number {
    return this.journal.get(this.field(thread, FIELD.SLEPT_AT));
  }

  private wakeNapper(thread: number): void {
    if (this.hasNewsOfOthers(thread)) this.setField(thread, FIELD.LOOKS, 0);
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
    return this.sinceNap(thread).some(({ access, step }) => {
      const at = this.writtenAt + WRITTEN.WORDS * access.word;
      const isOwn = journal.get(at + WRITTEN.THREAD) === thread;
      return journal.get(at + (isOwn ? WRITTEN.OTHER_STEP : WRITTEN.STEP)) > step;
    });
  }

  /** The words that the napping thread has read since it last slept: its waking depends on them. */
  newsWords(thread: number): readonly number[] {
    return this.sinceNap(thread).map(({ access }) => access.word);
  }

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

/** Whether an access of this kind can change words; napping threads wake on writes. */
export function isWriting(access: Access, found: number): boolean {
  return (effectsOf(access, found) & WRITES) !== 0;
}

function swallowed(thread: number): InvariantError {
  const cause = 'it caught the exception that suspends it; catch only what is known';
  return new InvariantError('X3', `thread ${thread}: an operation went on although ${cause}`);
}

function readsWord(kind: AccessKind): boolean {
  if (kind === ACCESS.store || kind === ACCESS.notify) return false;
  return !isPlain(kind) || kind === ACCESS.peek;
}

function isPlain(kind: AccessKind): boolean {
  return kind >= ACCESS.peek && kind <= ACCESS.copy;
}

function differs(thread: number, was: Access, now: Access | null): InvariantError {
  const show = (access: Access): string =>
    `access ${access.kind} of word ${access.word} (${access.a}, ${access.b})`;
  const then = now === null ? 'it returned instead' : `this time came ${show(now)}`;
  return new InvariantError(
    'X2',
    `thread ${thread}: run again, its operation did not do the same. Before: ${show(was)}; ${then}. ` +
      'It depends on something outside of the heap: a variable, a modified argument, time or chance',
  );
}
