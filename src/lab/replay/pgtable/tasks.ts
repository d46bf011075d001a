/**
 * What a mutator of address spaces does with an entry of its ring. A page number can have more than
 * 32 bits: what is above goes into the word of the task.
 */

/** Tasks, and what `first` and `second` of the ring's entry are. */
export const SPACE_TASK = {
  create: 1,
  /** A page; whether it is written. */
  fault: 2,
  /** A page, how many. */
  unmap: 3,
  /** A page, how many; the rights are in the word of the task. */
  protect: 4,
  /** A page, how many; then `to`. */
  move: 5,
  /** A page. */
  to: 6,
  /** A page, how many: not to be copied by the next `fork`. */
  skip: 7,
  /** The child. */
  fork: 8,
  adopt: 9,
  exit: 10,
} as const;

/** A task's word: the task, rights, and the high part of the page. */
export function packTask(task: number, page: number, prot = 0): number {
  return task | (prot << 8) | (Math.floor(page / 2 ** 32) << 16);
}

export function taskOf(word: number): number {
  return word & 0xff;
}

export function protOfTask(word: number): number {
  return (word >>> 8) & 0xff;
}

export function pageOfTask(word: number, low: number): number {
  return (word >>> 16) * 2 ** 32 + (low >>> 0);
}
