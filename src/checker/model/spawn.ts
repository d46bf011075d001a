/**
 * Threads that others begin, and wait for: two words behind the scenario's own for each.
 *
 *   BEGIN   a thread that was not begun yet sleeps on it; `spawn` is a notify of it
 *   END     0 until its last operation has returned; `join` waits for that
 *
 * A thread comes after what its spawner did before, and what comes behind a join after all that the
 * thread did.
 */
import type { SharedWords } from '../../core/mem/memory.js';
import type { Operation } from './program.js';
import type { Scenario, Stage } from './scenario.js';

const WORDS_A_THREAD = 2;

/** Where the words of a scenario's threads are that are spawned. */
export class Spawned {
  readonly threads: readonly number[];
  private readonly firstWord: number;

  constructor({ words, spawned = [] }: Pick<Scenario, 'words' | 'spawned'>) {
    this.threads = spawned;
    this.firstWord = words;
  }

  /** Words of the memory, with these. */
  get words(): number {
    return this.firstWord + WORDS_A_THREAD * this.threads.length;
  }

  /** The word on which a thread sleeps until it is begun. */
  begin(thread: number): number {
    return this.firstWord + WORDS_A_THREAD * this.threads.indexOf(thread);
  }

  private end(thread: number): number {
    return this.begin(thread) + 1;
  }

  /** How a word is named, if it is one of these. */
  nameOf(word: number, threadName: (thread: number) => string): string | undefined {
    const at = word - this.firstWord;
    const thread = this.threads[Math.floor(at / WORDS_A_THREAD)];
    if (at < 0 || thread === undefined) return undefined;
    return `${at % WORDS_A_THREAD === 0 ? 'begin' : 'end'} of ${threadName(thread)}`;
  }

  /** What operations call. `memory` has these words too. */
  calls(memory: SharedWords): Pick<Stage, 'spawn' | 'join'> {
    const mustBeSpawned = (thread: number): void => {
      if (this.threads.includes(thread)) return;
      throw new RangeError(`thread ${thread} is none of those that are spawned: ${this.threads}`);
    };
    return {
      spawn: (thread) => {
        mustBeSpawned(thread);
        memory.notify(this.begin(thread), 1);
      },
      join: (thread) => {
        mustBeSpawned(thread);
        const end = this.end(thread);
        while (memory.load(end) === 0) memory.awaitChange(end, 0);
      },
    };
  }

  /** Operations of threads that say, where they are spawned, that they have ended. */
  ending(
    threads: readonly (readonly Operation[])[],
    memory: SharedWords,
  ): readonly (readonly Operation[])[] {
    if (this.threads.length === 0) return threads;
    return threads.map((operations, thread) => {
      const last = operations.at(-1);
      if (last === undefined || !this.threads.includes(thread)) return operations;
      const end = this.end(thread);
      const lastAndEnd: Operation = (results) => {
        const result = last(results);
        memory.store(end, 1);
        memory.notify(end);
        return result;
      };
      return [...operations.slice(0, -1), lastAndEnd];
    });
  }
}
