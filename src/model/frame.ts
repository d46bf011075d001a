/** A step of an execution with the state before it, and when one step depends on another. */
import { type Access, dependent, WRITES } from './access.js';

/** A step of an execution, and the state before it. */
export interface Frame {
  readonly mark: number;
  readonly pending: readonly (Access | null)[];
  readonly enabled: number;
  /** Threads to be explored from here, those that were or need not be: bits. */
  backtrack: number;
  sleep: number;
  thread: number;
  /** What the step turned out to be; word -1 for a napper's waking. */
  word: number;
  effects: number;
  /** For each thread, how many of its steps come before this one or are it. */
  clock: readonly number[];
  access: Access | null;
  found: number;
  /** Words that a napper looked at. */
  news: readonly number[] | null;
  /** Preemptions on the way here. */
  readonly preemptions: number;
}

/** Whether a step depends on an access to `word`. */
export function conflicts(frame: Frame, word: number, effects: number): boolean {
  if (frame.news !== null) return (effects & WRITES) !== 0 && frame.news.includes(word);
  return dependent(frame.word, frame.effects, word, effects);
}

export function dependOn(earlier: Frame, later: Frame): boolean {
  if (later.news === null) return conflicts(earlier, later.word, later.effects);
  return (earlier.effects & WRITES) !== 0 && later.news.includes(earlier.word);
}

/** Whether a thread had a next access of its own before this step: it was not asleep. */
export function isReady(frame: Frame, thread: number): boolean {
  return frame.pending[thread] !== null;
}

/** Makes `clock` the later of the two, thread by thread. */
export function join(clock: number[], other: readonly number[]): void {
  for (let thread = 0; thread < clock.length; thread++) {
    if ((other[thread] as number) > (clock[thread] as number))
      clock[thread] = other[thread] as number;
  }
}
