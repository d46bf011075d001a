/** A step of an execution with the state before it, and when one step depends on another. */
import { dependent, WRITES } from './access.js';

/**
 * A step of an execution, and the state before it. Frames are made once for each depth and used
 * again: exploring makes no garbage.
 */
export interface Frame {
  mark: number;
  enabled: number;
  /** Threads to be explored from here, those that were or need not be: bits. */
  backtrack: number;
  sleep: number;
  /** Preemptions on the way here. */
  preemptions: number;
  /** -1 until a step was made from here. */
  thread: number;
  /** Where the step stands in its thread's log. A thread that wakes by itself stands nowhere: -1. */
  row: number;
  /** What the step turned out to be. For a waking: the word that the thread slept on. */
  word: number;
  effects: number;
  found: number;
  /** Words that a dozing thread has looked at. */
  news: readonly number[] | null;
  /** For each thread, how many of its steps come before this one or are it. */
  readonly clock: number[];
  /** The step before this one of the same thread, and on the same word or, of wakings, at all. */
  before: number;
  beforeOnWord: number;
}

export function newFrame(threads: number): Frame {
  return {
    mark: 0,
    enabled: 0,
    backtrack: 0,
    sleep: 0,
    preemptions: 0,
    thread: -1,
    row: -1,
    word: -1,
    effects: 0,
    found: 0,
    news: null,
    clock: new Array<number>(threads).fill(0),
    before: -1,
    beforeOnWord: -1,
  };
}

/** Whether the order of a step and of another thread's access can be told. */
export function dependsOn(step: Frame, word: number, effects: number): boolean {
  if (dependent(step.word, step.effects, word, effects)) return true;
  // A write is what a dozing thread wakes for.
  return step.news !== null && (effects & WRITES) !== 0 && step.news.includes(word);
}

/** Whether the order of two steps, by different threads, can be told. */
export function dependOn(a: Frame, b: Frame): boolean {
  return dependsOn(a, b.word, b.effects) || (b.news !== null && dependsOn(b, a.word, a.effects));
}

/** Makes `clock` the later of the two, thread by thread. */
export function join(clock: number[], other: readonly number[]): void {
  for (let thread = 0; thread < clock.length; thread++) {
    const time = other[thread] as number;
    if (time > (clock[thread] as number)) clock[thread] = time;
  }
}

/** The least time of a clock: all steps before it come before the clock's own. */
export function least(clock: readonly number[]): number {
  let time = clock[0] as number;
  for (let thread = 1; thread < clock.length; thread++) {
    time = Math.min(time, clock[thread] as number);
  }
  return time;
}
