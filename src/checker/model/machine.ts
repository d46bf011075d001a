/**
 * The machine: shared memory as a model, and threads that advance by one access at a time.
 *
 * A thread runs operations, plain functions over the seam. To advance one, its current operation is
 * run again from the start: the accesses that it already made are answered from its log, then one
 * atomic access is done for real, and at the next one a frozen constant is thrown. No generators,
 * no build step: it is the shipping code that runs.
 *
 * Plain accesses are done as soon as the thread gets to them. They are no scheduling points: if two
 * threads' plain accesses could meet unordered, that is a data race, which is a failure by itself
 * (race.ts), and if they can't, moving them changes nothing.
 */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { ACCESS, type Access, type AccessKind, isPlain, Seam } from './access.js';
import { threadsIn } from './bits.js';
import { Effects } from './effects.js';
import {
  causeOf,
  differs,
  OPERATION_ACCESSES_MAX,
  requireSynchronous,
  swallowed,
  type Thrown,
  tooLong,
} from './faults.js';
import { Log } from './log.js';
import { type Looker, type Lookers, Looks } from './looks.js';
import { type Operation, Programs } from './program.js';
import type { Scenario } from './scenario.js';
import { Sleepers } from './sleep.js';
import { FIELD, type Sizes, STATUS, State } from './state.js';

/** These end an operation that is to be continued, or assumed what is not so: never caught. */
const SUSPENDED: object = Object.freeze({ suspended: true });
const DISMISSED: object = Object.freeze({ dismissed: true });

export interface MachineOptions extends Sizes {
  /** How often each thread may return early. Default: never. */
  readonly early?: readonly number[] | undefined;
  readonly waitsOrder?: Scenario['waitsOrder'];
  /** Of the words, how many are the scenario's own. Default: all. */
  readonly ownWords?: number | undefined;
}

export class Machine {
  /** What operations, setting up and the final check go through. */
  readonly memory: Memory = new Seam(this);
  readonly threads: number;
  readonly words: number;
  readonly state: State;
  readonly logs: readonly Log[];
  readonly sleepers: Sleepers;
  readonly looks: Looks;
  programs: Programs;
  /** What the last step found: its effects depend on it. */
  found = 0;
  thrown: Thrown | null = null;
  /** Threads of which an operation returned in the last step, as bits. */
  returned = 0;
  /** What a thread threw before anybody's first step: no way leads around it. */
  private thrownFirst: Thrown | null = null;
  /** The mark of the state in which nobody has made a step. */
  private start = 0;
  private lookers: Lookers = {};
  /** The step after which `always` was asked. */
  private askedAt = -1;
  private readonly effects: Effects;
  /** Thread whose operation runs; -1: setting up or checking, every access is done at once. */
  private current = -1;
  private step = 0;
  /** Of the running operation: its thread's log, where it begins and ends there, how far it is. */
  private log: Log;
  private begun = 0;
  private end = 0;
  private position = 0;
  /** Whether the access at the log's end may be done. */
  private granted = false;
  private goOn: ((thread: number) => boolean) | null = null;
  private suspending = false;

  constructor(options: MachineOptions) {
    this.threads = options.threads;
    this.words = options.words;
    this.state = new State(options);
    this.logs = Array.from({ length: options.threads }, () => new Log());
    this.sleepers = new Sleepers(this.state, this.logs, options.waitsOrder !== false);
    this.looks = new Looks(options.words, options.ghostWords);
    this.effects = new Effects(this.state, this.sleepers, options.ownWords ?? options.words);
    this.programs = new Programs(this.state, [], []);
    this.log = this.logs[0] as Log;
    options.early?.forEach((times, at) => void this.state.setField(at, FIELD.EARLY, times));
  }

  /** Ends setting up: gives each thread its operations and brings it to its first atomic access. */
  begin(
    operations: readonly (readonly Operation[])[],
    lookers: Lookers = {},
    endless: readonly number[] = [],
  ): void {
    this.programs = new Programs(this.state, operations, endless);
    this.lookers = lookers;
    this.state.journal.forget();
    for (let thread = 0; thread < this.threads; thread++) {
      if (this.sleepers.status(thread) !== STATUS.unborn) this.advance(thread);
    }
    this.holdsAlways();
    this.thrownFirst = this.thrown;
    this.start = this.mark();
  }

  /** Goes back to where nobody has made a step. */
  restart = (): void => this.restore(this.start, 0);

  /** A point to come back to. */
  mark(): number {
    return this.state.journal.mark();
  }

  restore(mark: number, step: number): void {
    this.state.journal.restore(mark);
    this.step = step;
    this.askedAt = -1;
    this.thrown = this.thrownFirst;
  }

  /** Whether a thread can make a step now. */
  enabled(thread: number): boolean {
    return this.sleepers.mayStep(thread);
  }

  /** Of a thread that is enabled: whether its next step is to wake by itself. */
  wakesItself(thread: number): boolean {
    return this.sleepers.status(thread) !== STATUS.ready;
  }

  /** Whether an operation is running, and nobody looks from outside. */
  isInOperation = (): boolean => this.current >= 0;

  /** Which of its operations a thread is in. */
  operationOf(thread: number): number {
    return this.state.getField(thread, FIELD.OPERATION);
  }

  /** The row of its log in which a thread's next access stands. */
  nextRow(thread: number): number {
    return this.state.getField(thread, FIELD.END);
  }

  /** What a thread that is enabled does next; null if it wakes by itself. */
  nextAccess(thread: number): Access | null {
    if (this.wakesItself(thread)) return null;
    return (this.logs[thread] as Log).access(this.nextRow(thread));
  }

  resultsOf(thread: number): readonly unknown[] {
    return this.programs.resultsOf(thread);
  }

  /**
   * Lets a thread do its next access and run up to the one after. There `goOn` is asked whether it
   * should do that one too, which saves throwing it out of its operation and running that again.
   */
  perform(thread: number, goOn: ((thread: number) => boolean) | null = null): void {
    this.step++;
    this.looks.begin();
    this.sleepers.begin();
    this.returned = 0;
    if (this.wakesItself(thread)) this.sleepers.wakeItself(thread);
    else this.granted = true;
    this.goOn = goOn;
    this.advance(thread);
    this.goOn = null;
    for (const other of threadsIn(this.sleepers.woken)) {
      if (this.thrown === null) this.advance(other);
    }
    this.holdsAlways();
  }

  /** Asks `always` about the state after a step, once; false: a thread has thrown, or this did. */
  private holdsAlways(): boolean {
    const { always } = this.lookers;
    if (always === undefined || this.thrown !== null || this.askedAt === this.step) {
      return this.thrown === null;
    }
    this.askedAt = this.step;
    this.letLook('always', () => {
      const wrong = always();
      if (wrong !== null) this.thrown = { thread: -1, operation: -1, error: wrong };
    });
    return this.thrown === null;
  }

  /** Calls who looks from outside, whoever's operation is under way. */
  private letLook(looker: Looker, look: () => void): void {
    const { current, looks } = this;
    this.current = -1;
    looks.looker = looker;
    try {
      look();
    } finally {
      looks.looker = null;
      this.current = current;
    }
  }

  /** Runs a thread from its log up to the next thing that must be decided outside. */
  private advance(thread: number): void {
    this.current = thread;
    this.log = this.logs[thread] as Log;
    this.programs.begin();
    while (this.runNext(thread));
    this.suspending = false;
    this.granted = false;
    this.current = -1;
    // Outside of operations nothing is answered from a log.
    this.position = this.end;
  }

  /** Runs the operation that a thread is in; false: it did not return, or was the last. */
  private runNext(thread: number): boolean {
    const { programs, state } = this;
    let number = this.operationOf(thread);
    try {
      const operation = programs.next(thread, this.step);
      number = this.operationOf(thread);
      if (operation === null) {
        state.setField(thread, FIELD.STATUS, STATUS.done);
        return false;
      }
      this.begun = state.getField(thread, FIELD.BEGIN);
      this.end = state.getField(thread, FIELD.END);
      this.position = this.begun;
      this.suspending = false;
      const result = operation(programs.resultsOf(thread));
      this.requireReturned(result);
      this.returnFrom(thread, result);
      return true;
    } catch (error) {
      if (error === DISMISSED) state.setField(thread, FIELD.STATUS, STATUS.dismissed);
      else if (error !== SUSPENDED) {
        const cause = causeOf(error, this.suspending);
        this.thrown = { thread, operation: number, error: cause };
      }
      return false;
    }
  }

  /** An operation of a thread has returned. */
  private returnFrom(thread: number, result: unknown): void {
    const operation = this.operationOf(thread);
    this.programs.ended(thread, result);
    this.state.setField(thread, FIELD.BEGIN, this.position);
    this.returned |= 1 << thread;
    const { onReturn } = this.lookers;
    if (onReturn === undefined) return;
    this.letLook('onReturn', () => onReturn(thread, operation, result));
  }

  /** An access of the running thread: from its log, or done now, or the point to stop at. */
  access(kind: AccessKind, word: Word, a: number, b: number, isOwn = true): number {
    const { position } = this;
    if (position < this.end) {
      // The same access must come again: it is a function of the log.
      if (!this.log.matches(position, kind, word, a, b)) throw this.differs(kind, word, a, b);
      this.position = position + 1;
      return this.log.found(position);
    }
    if (isOwn) this.effects.requireInside(word);
    if (this.current < 0) {
      if (this.looks.looker !== null) this.looks.look(kind, word);
      return this.effects.perform(-1, this.step, kind, word, a, b);
    }
    // A `finally` on the way out of a suspended operation.
    if (this.suspending) return 0;
    return this.proceed(kind, word, a, b);
  }

  /** An access behind the end of the log. */
  private proceed(kind: AccessKind, word: Word, a: number, b: number): number {
    const { current: thread, end, log } = this;
    const isStep = !isPlain(kind) || (kind !== ACCESS.peek && this.state.isMortal(thread));
    if (!isStep) log.propose(end, kind, word, a, b);
    else if (this.granted) {
      if (!log.matches(end, kind, word, a, b)) throw this.differs(kind, word, a, b);
      this.granted = false;
    } else {
      log.propose(end, kind, word, a, b);
      if (!this.mayGoOn(thread)) this.suspend();
    }
    if (end - this.begun > OPERATION_ACCESSES_MAX) throw tooLong(log, end);
    const found = this.effects.perform(thread, this.step, kind, word, a, b);
    // What comes after the step's own access, whose effects `found` decides, leaves it alone.
    if (isStep) this.found = found;
    if (this.looks.isWatching) this.looks.wrotePlainly(kind, word, kind === ACCESS.poke ? 1 : a);
    log.finish(end, found, this.step);
    this.state.setField(thread, FIELD.END, end + 1);
    this.end = end + 1;
    this.position = end + 1;
    if (this.wakesItself(thread)) this.suspend();
    return found;
  }

  private mayGoOn(thread: number): boolean {
    // A thread that was woken by the last step has yet to be brought to its next access.
    if (this.goOn === null || this.sleepers.woken !== 0) return false;
    if (!this.holdsAlways() || !this.goOn(thread)) return false;
    this.step++;
    this.looks.begin();
    return true;
  }

  /**
   * Ends the running thread for good if the condition is not met. Nothing is wanted of this
   * execution any more, but it is not cut here: what the others still do may race with what this
   * thread did, and that is how the reduction finds the executions in which the condition is met.
   */
  assume(condition: boolean): void {
    if (this.current < 0) throw new InvariantError('X1', 'only an operation can assume');
    if (condition || this.suspending) return;
    this.requireDone();
    this.suspending = true;
    throw DISMISSED;
  }

  private suspend(): never {
    this.suspending = true;
    throw SUSPENDED;
  }

  private differs(kind: AccessKind, word: Word, a: number, b: number): InvariantError {
    return differs(this.log.access(this.position), { kind, word, a, b });
  }

  /**
   * An operation has returned by itself: not by catching its suspension, and not to go on later.
   */
  private requireReturned(result: unknown): void {
    requireSynchronous(result);
    if (this.suspending) throw swallowed();
    this.requireDone();
  }

  private requireDone(): void {
    if (this.position === this.end && !this.granted) return;
    throw differs(this.log.access(this.position), null);
  }
}
