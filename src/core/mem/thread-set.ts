/**
 * A set of threads, in shared words: a bit for each. Each thread puts itself in and takes itself
 * out, by one atomic access, and to do so again does no harm: so whoever recovers what a dead
 * thread left can take it out without knowing whether it was in.
 */
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Heap } from './heap.js';
import type { Memory } from './memory.js';

const BITS = 5;
const BIT_MASK = (1 << BITS) - 1;

export function addThread(mem: Memory, set: Word, thread: ThreadId): void {
  mem.or(at(set, thread >>> BITS), 1 << (thread & BIT_MASK));
}

export function removeThread(mem: Memory, set: Word, thread: ThreadId): void {
  mem.and(at(set, thread >>> BITS), ~(1 << (thread & BIT_MASK)));
}

export function hasThread(mem: Memory, set: Word, thread: ThreadId): boolean {
  return (mem.load(at(set, thread >>> BITS)) & (1 << (thread & BIT_MASK))) !== 0;
}

/** How many threads a set has, word by word. */
export function countThreads({ mem, threadsMax }: Heap, set: Word): number {
  let count = 0;
  for (let first = 0; first < threadsMax; first += 1 << BITS) {
    // Each step takes the lowest bit away.
    for (let bits = mem.load(at(set, first >>> BITS)); bits !== 0; bits &= bits - 1) count++;
  }
  return count;
}

/** Some thread of a set, the lowest; null: it was empty, word by word. */
export function someThread({ mem, threadsMax }: Heap, set: Word): ThreadId | null {
  for (let first = 0; first < threadsMax; first += 1 << BITS) {
    const bits = mem.load(at(set, first >>> BITS));
    if (bits !== 0) return (first + 31 - Math.clz32(bits & -bits)) as ThreadId;
  }
  return null;
}
