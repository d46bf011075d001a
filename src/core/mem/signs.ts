/**
 * Signs of life in a thread's record, for whoever watches it: a number that it raises now and then,
 * and where in its program it entered the read section that it is in. Both are given by threads
 * that were told to; of others they are 0 and ''.
 */
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, type Thread, threadRecord } from './heap.js';
import { NAME_WORDS, THREAD } from './layout.js';
import type { Memory } from './memory.js';
import { readName, writeName } from './name.js';

/** Characters of a place that are kept: the last ones. */
const PLACE_CHARACTERS = 4 * NAME_WORDS.PLACE;

/** Says that the thread goes on. Never 0: that is a thread which gives no sign. */
export function beat({ mem, record }: Thread): void {
  const beats = at(record, THREAD.BEATS);
  mem.store(beats, (mem.load(beats) + 1) | 0 || 1);
}

/** How often a thread has said so, wrapping; 0: never. */
export function beatsOf(heap: Heap, thread: ThreadId): number {
  return heap.mem.load(at(threadRecord(heap, thread), THREAD.BEATS));
}

/** Notes where the next section is entered. What is not ASCII is shown as `?`. */
export function noteEntered({ mem, record }: Thread, place: string): void {
  const kept = place.replace(/[^ -~]/g, '?').slice(-PLACE_CHARACTERS);
  writeName(mem, at(record, THREAD.PLACE), NAME_WORDS.PLACE, kept);
}

/** Where a thread entered its section, as far as it says; null: it does not. */
export function enteredAt(heap: Heap, thread: ThreadId): string | null {
  const word = at(threadRecord(heap, thread), THREAD.PLACE);
  return readName(heap.mem, word, NAME_WORDS.PLACE) || null;
}

/** Leaves no sign of who had the record before. */
export function clearSigns(mem: Memory, record: Word): void {
  for (const field of [THREAD.BEATS, THREAD.PLACE]) {
    if (mem.peek(at(record, field)) !== 0) mem.store(at(record, field), 0);
  }
}
