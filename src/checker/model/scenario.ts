/**
 * A scenario: a few threads, what must never happen to them, and what must have been seen.
 *
 * Named like a litmus test, `who-vs-whom+where`. Setting up and the final check run outside of any
 * thread, every access done at once and unrecorded. Operations are run again and again from their
 * start, so they may use only the seam, what setting up returned (and does not change), and the
 * results of the thread's own earlier operations.
 */
import type { SharedWords } from '../../core/mem/memory.js';
import type { OnReturn } from './looks.js';
import type { Operation } from './program.js';

/** A rule that did not hold at the end of an execution. */
export interface Finding {
  readonly rule: string;
  /** What was found; a word is named by whoever shows it. */
  readonly detail: string;
  /** The word in question, where it is one. */
  readonly word?: number | undefined;
}

/** What is wrong; undefined: nothing. */
export type Findings = readonly Finding[] | undefined;

/** What setting up returns: the operations of the threads, and how they are judged. */
export interface Setup {
  /** The operations of each thread, in order. */
  readonly threads: readonly (readonly Operation[])[];
  /**
   * Numbers of threads that begin again when their last operation has returned, for ever: a
   * scenario with any is explored by states, and asks what becomes of the others.
   */
  readonly forEver?: readonly number[] | undefined;
  readonly threadNames?: readonly string[] | undefined;
  /**
   * Called once after each operation, in the step that made it return: throws, or notes a ghost. It
   * may look at the memory, and does not change it.
   */
  readonly onReturn?: OnReturn | undefined;
  /**
   * Called before the first step and after each: says what is wrong, whatever else the threads are
   * doing. It looks at the memory and at ghost words, and changes neither.
   */
  readonly always?: (() => Findings) | undefined;
  /** Looks at the memory after an execution in which all threads have ended. */
  readonly atEnd?: ((results: readonly (readonly unknown[])[]) => Findings) | undefined;
  /** Names a word (undefined: by its number), and writes a value of it, for reports. */
  readonly nameWord?: ((word: number) => string | undefined) | undefined;
  readonly showValue?: ((word: number, value: number) => string) | undefined;
  /**
   * The word, if there is one, in which whoever finds a rule broken says so, by a CAS, so that the
   * others stop. What comes after that is of no interest, and reports leave it out.
   */
  readonly brokenWord?: number | undefined;
}

/** What a scenario is set up with. */
export interface Stage {
  readonly memory: SharedWords;
  /**
   * Words of the scenario's own, undone when the checker goes back: for `onReturn`, `always` and
   * `atEnd`. An operation does not use them.
   */
  readonly ghost: { get(index: number): number; set(index: number, value: number): void };
  /** Says that something was seen, for `mustSee`. */
  readonly see: (what: string) => void;
  /**
   * For operations: says that only executions with this condition count. If it is not met, the
   * thread ends there, the others go on, and the execution is neither counted nor asked about at
   * its end. A lock that blocks is one attempt, assumed to succeed. A rule that another thread
   * finds broken counts even so: it could have gone first.
   */
  readonly assume: (condition: boolean) => void;
  /** For operations: begins a thread of `Scenario.spawned`, which was not begun before. */
  readonly spawn: (thread: number) => void;
  /** For operations: waits until a thread of `Scenario.spawned` has ended. */
  readonly join: (thread: number) => void;
  /**
   * For operations: ends a thread of `Scenario.killed` where it is, or has no effect if its last
   * operation has returned. Explored before each of its steps. The caller comes after all that it
   * did.
   */
  readonly kill: (thread: number) => void;
  /** For operations: whether a thread of `Scenario.killed` was killed, or ended and then killed. */
  readonly isDead: (thread: number) => boolean;
}

/** A few threads over shared words, what must hold, and what some execution must see. */
export interface Scenario {
  readonly name: string;
  /** The core that is explored, where the scenario is about one. */
  readonly design?: string | undefined;
  /** One sentence: what is asked. */
  readonly about: string;
  /** Rules (P, H, G, L, S, R) that a failure of it would break. */
  readonly rules: readonly string[];
  readonly words: number;
  readonly ghostWords?: number | undefined;
  readonly threads: number;
  /**
   * Threads, by number, that begin when an operation calls `spawn`. One that is never spawned does
   * nothing, and nobody waits for it but who joins it.
   */
  readonly spawned?: readonly number[] | undefined;
  /**
   * Threads, by number, that an operation of another may kill (`Stage.kill`), wherever they are.
   * Their plain writes are steps of their own.
   */
  readonly killed?: readonly number[] | undefined;
  /** How often `awaitChange` may return early in an execution, in all. Default: never. */
  readonly earlyReturns?: number | undefined;
  /**
   * False: a wait that ends orders nothing, as on a thread that may not sleep, so all that a woken
   * thread relies on must be in words that it reads. Default: as in ECMAScript, a thread that was
   * woken comes after what its waker did before.
   */
  readonly waitsOrder?: boolean | undefined;
  /** What some execution must have seen, or the scenario is vacuous. */
  readonly mustSee?: readonly string[] | undefined;
  readonly setup: (stage: Stage) => Setup;
  /** Too large to be explored whole in a short run. */
  readonly large?: boolean | undefined;
}
