/**
 * A classic: one program twice, with the mistake that it is known for, and without.
 *
 * `play(memory, isRight)` returns the threads' operations, and if need be `atEnd`, which says what
 * is wrong in the end (null: nothing). `words` names the memory's words, from 0 on.
 */
export const classic = (name, teaches, words, play) => ({ name, teaches, words, play });

/** The scenario of a classic, for `check`. */
export function scenarioOf({ name, teaches, words, play }, isRight) {
  return {
    name: `${name}+${isRight ? 'right' : 'wrong'}`,
    about: teaches,
    rules: [],
    words: words.length,
    threads: play.threads,
    mustSee: [],
    setup: ({ memory, assume }) => {
      const { threads, atEnd } = play.run(memory, isRight, assume);
      const ending = (results) => {
        const wrong = atEnd?.(results) ?? null;
        return wrong === null ? [] : [{ rule: 'result', detail: wrong }];
      };
      return { threads, atEnd: ending, nameWord: (word) => words[word] };
    },
  };
}

/** How many threads there are, and what they do. */
export const threads = (count, run) => ({ threads: count, run });

/** A lock that works, for programs whose mistake is elsewhere. */
export function acquire(memory, lock) {
  while (memory.cas(lock, 0, 1) !== 0) memory.awaitChange(lock, 1);
}

export function release(memory, lock) {
  memory.store(lock, 0);
  memory.notify(lock, 1);
}
