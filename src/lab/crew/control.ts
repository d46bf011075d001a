/**
 * What the threads of a crew share beside the heap: one more piece of shared memory, through the
 * same seam.
 *
 *   words     that stop all, or say that somebody waits
 *   counters  one slot for each thread, so that counting costs nobody else (counters.ts)
 *   rings     one for each performer: the dispatcher puts tasks in, it takes them out (ring.ts)
 */
import type { Word } from '../../core/base/units.js';
import { SLOT_WORDS } from '../../core/mem/layout.js';
import type { Memory } from '../../core/mem/memory.js';
import { type HeapBuffer, reserveBuffer, SharedMemory, viewWords } from '../../core/mem/shared.js';

/** Threads of one crew at most, the dispatcher left out. */
export const CREW_MAX = 64;

/**
 * Words that all threads share.
 *
 *   FAILED     1 once some thread has failed: everybody stops. Written by any thread
 *   STOP       1 when those shall stop that have no ring. Written by the dispatcher
 *   WAITERS    performers that wait for what another does. Written by performers, add
 *   MET        roamers that have met the performers' work. Written by roamers, add
 */
export const CONTROL = { FAILED: 0, STOP: 1, WAITERS: 2, MET: 3, WORDS: 32 } as const;

export const RING_ENTRIES = 4096;
export const ENTRY_WORDS = 4;

/** A ring: TAKEN is written by the performer, PUT by the dispatcher. Both only grow. */
export const RING = { TAKEN: 0, PUT: 32, ENTRIES: 64 } as const;

const RING_WORDS = RING.ENTRIES + RING_ENTRIES * ENTRY_WORDS;
const COUNTERS_AT = CONTROL.WORDS;
const RINGS_AT = COUNTERS_AT + CREW_MAX * SLOT_WORDS;
const CONTROL_WORDS = RINGS_AT + CREW_MAX * RING_WORDS;

/** Reserves the memory; the OS commits only what is touched. */
export function reserveControl(): HeapBuffer {
  return reserveBuffer(CONTROL_WORDS * 4);
}

export function openControl(buffer: HeapBuffer): Memory {
  return new SharedMemory(viewWords(buffer, 0, CONTROL_WORDS), true);
}

export function controlWord(field: number): Word {
  return field as Word;
}

export function counterWord(thread: number, field: number): Word {
  return (COUNTERS_AT + thread * SLOT_WORDS + field) as Word;
}

export function ringOf(performer: number): Word {
  return (RINGS_AT + performer * RING_WORDS) as Word;
}
