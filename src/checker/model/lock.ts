/**
 * Locks that are taken in one step: for programs in which it is known that the lock is right, and
 * only what is done under it is of interest.
 *
 * A real lock makes its waiters try, sleep and be woken, and all that is explored with the rest. Of
 * a lock that is taken in one step only the order counts in which threads take it. That it stands
 * for the real one is shown once, by a scenario of the real one alone.
 */
import type { Scenario, Stage } from './scenario.js';

/** What takes a lock, and lets go of it. Both are called by operations. */
export interface Lock {
  readonly acquire: () => void;
  readonly release: () => void;
}

/**
 * A lock that is taken in one step. `word` is 0 while it is free. Executions in which a thread
 * tries in vain don't count: they are those in which it comes later.
 */
export function oneStepLock(
  { memory, assume }: Pick<Stage, 'memory' | 'assume'>,
  word: number,
): Lock {
  return Object.freeze({
    acquire: () => assume(memory.cas(word, 0, 1) === 0),
    release: () => memory.store(word, 0),
  });
}

/** A real lock, to be shown to be one. */
export interface LockSubject {
  readonly name: string;
  /** Words that the lock needs, from word 0. */
  readonly words: number;
  /** Default: 2. */
  readonly threads?: number | undefined;
  /** How often each thread takes it. Default: 1. */
  readonly rounds?: number | undefined;
  readonly earlyReturns?: number | undefined;
  /** Prepares the words, and returns for each thread how it takes the lock and lets go of it. */
  readonly setup: (stage: Stage, threads: number) => readonly Lock[];
}

/**
 * A scenario of a lock alone: each thread takes it, counts plainly, and lets go. It holds if no two
 * are ever inside (else the counts race, or one is lost), if what is done inside is seen by whoever
 * comes next, and if nobody waits for ever. `starvation` of `check` asks about one that goes on for
 * ever beside the others: its last thread does.
 */
export function lockScenario(subject: LockSubject, endless = false): Scenario {
  const { name, words, threads = 2, rounds = 1, earlyReturns, setup } = subject;
  const countAt = words;
  return {
    name,
    about: 'Threads count under a lock: nobody else is inside, and nobody waits for ever.',
    rules: [],
    words: words + 1,
    threads,
    earlyReturns,
    setup: (stage) => {
      const { memory } = stage;
      const locks = setup(stage, threads);
      const count =
        ({ acquire, release }: Lock) =>
        (): void => {
          acquire();
          if (!endless) memory.poke(countAt, memory.peek(countAt) + 1);
          else memory.poke(countAt, 1 - memory.peek(countAt));
          release();
        };
      const counted = threads * rounds;
      const isCounted = (): boolean => endless || memory.peek(countAt) === counted;
      return {
        threads: locks.map((lock) => Array.from({ length: rounds }, () => count(lock))),
        forEver: endless ? [threads - 1] : undefined,
        atEnd: () => (isCounted() ? [] : [{ rule: 'count', detail: 'somebody else was inside' }]),
        nameWord: (word) => (word === countAt ? 'COUNT' : undefined),
      };
    },
  };
}
