/**
 * What the threads of a run have seen between them. Threads start when they like, and a busy machine
 * gives them turns when it likes: so a thread that has done its share goes on until all that must be
 * seen was seen by some thread, and no clock is asked.
 */

/** How many times its share a thread does at most: by then what is missing can't be seen. */
const PATIENCE = 50;

export class Sightings {
  /** `at`: a shared word, 0 at first. `must`: names of counts. */
  constructor(words, at, must) {
    this.words = words;
    this.at = at;
    this.must = must;
    this.all = 2 ** must.length - 1;
  }

  /** Whether a thread that has done so much of its share, and has seen this, may stop. */
  isEnough(seen, done, share) {
    let mine = 0;
    this.must.forEach((name, bit) => {
      if (seen[name] > 0) mine |= 1 << bit;
    });
    const all = mine | Atomics.or(this.words, this.at, mine);
    return done >= share && (all === this.all || done >= PATIENCE * share);
  }
}
