/** Counters of the threads of a crew: each thread writes its own, the dispatcher reads them all. */
import type { Memory } from '../../core/mem/memory.js';
import { CREW_MAX, counterWord } from './control.js';

/** What is counted in every crew. Fields from OWN on mean what the crew at hand says. */
export const COUNT = { OPERATIONS: 0, READS: 1, CALLBACKS: 2, OUT_OF_PAGES: 3, OWN: 4 } as const;

/** Adds to a counter of this thread. */
export function count(control: Memory, thread: number, field: number, by: number): void {
  const word = counterWord(thread, field);
  // Nobody else writes it: a plain read is the newest value.
  control.store(word, control.peek(word) + by);
}

/** Raises a counter of this thread to a value, if it is less. */
export function atLeast(control: Memory, thread: number, field: number, value: number): void {
  const word = counterWord(thread, field);
  if (control.peek(word) < value) control.store(word, value);
}

/** Sum of a counter over all threads. */
export function total(control: Memory, field: number): number {
  let sum = 0;
  for (let thread = 0; thread < CREW_MAX; thread++) {
    sum += control.load(counterWord(thread, field)) >>> 0;
  }
  return sum;
}

/** The largest of a counter of all threads. */
export function largest(control: Memory, field: number): number {
  let most = 0;
  for (let thread = 0; thread < CREW_MAX; thread++) {
    most = Math.max(most, control.load(counterWord(thread, field)));
  }
  return most;
}
