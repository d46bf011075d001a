/** Sets of threads, as the bits of one number. */

/** The threads of a set, the lowest first. */
export function threadsIn(set: number): number[] {
  const threads: number[] = [];
  for (let left = set; left !== 0; left &= left - 1) threads.push(lowestIn(left));
  return threads;
}

/** The set of some threads. */
export function setOf(threads: readonly number[]): number {
  return threads.reduce((set, thread) => set | (1 << thread), 0);
}

/** The lowest thread of a set that is not empty. */
export function lowestIn(set: number): number {
  return 31 - Math.clz32(set & -set);
}
