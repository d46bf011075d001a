/**
 * Threads that are killed: at any moment another thread's operation ends them, wherever they are,
 * as `Worker.terminate` does. What they wrote stays, what they hold they hold for ever.
 *
 * A kill is a step of whoever kills, between two steps of the victim, and depends on all of these:
 * so a victim is killed before each of its steps, and after its last. Where a thread may be killed
 * its plain writes are steps too, for between two of them it can die as well. A plain read is none:
 * whether it was made makes no difference to what is left.
 *
 * Whoever kills comes after all that the victim did, as after the `exit` event of a worker.
 */
import type { SharedWords } from '../../core/mem/memory.js';
import type { Scenario, Stage } from './scenario.js';

/** Kills a thread, by the word that says that it is dead. */
export type Kill = (word: number, thread: number) => void;

/** One word behind the scenario's own, and those of `spawned`, for each thread that may die. */
export class Deaths {
  /** Threads that may be killed, by number. */
  readonly threads: readonly number[];
  private readonly firstWord: number;

  constructor({ killed = [] }: Pick<Scenario, 'killed'>, firstWord: number) {
    this.threads = killed;
    this.firstWord = firstWord;
  }

  /** Words of the memory, with these. */
  get words(): number {
    return this.firstWord + this.threads.length;
  }

  /** How a word is named, if it is one of these: as the thread that it is of. */
  nameOf(word: number, threadName: (thread: number) => string): string | undefined {
    const thread = this.threads[word - this.firstWord];
    return thread === undefined ? undefined : threadName(thread);
  }

  /** What operations call. `memory` has these words too. */
  calls(memory: Pick<SharedWords, 'load'>, kill: Kill): Pick<Stage, 'kill' | 'isDead'> {
    const wordOf = (thread: number): number => {
      const at = this.threads.indexOf(thread);
      if (at >= 0) return this.firstWord + at;
      throw new RangeError(`thread ${thread} is none of those that are killed: ${this.threads}`);
    };
    return {
      kill: (thread) => kill(wordOf(thread), thread),
      isDead: (thread) => memory.load(wordOf(thread)) !== 0,
    };
  }
}
