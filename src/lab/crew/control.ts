/**
 * What the threads of a replay share beside the heap: one more piece of shared memory, through the
 * same seam.
 *
 *   counters  one slot for each thread, so that counting costs nobody else
 *   rings     one for each mutator: the dispatcher puts operations in, the mutator takes them out
 *   slots     published tables: where readers look for something to read
 *   mms       for each mm of the trace its number in the heap, and how many frees were done
 *   tables    for each table of the trace its address: written once, so a reader may trust it
 */
import { LimitError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import { SLOT_WORDS } from '../../core/mem/layout.js';
import type { Memory } from '../../core/mem/memory.js';
import { type HeapBuffer, reserveBuffer, SharedMemory, viewWords } from '../../core/mem/shared.js';

/** Threads of one replay at most: mutators and readers. */
export const REPLAY_THREADS_MAX = 64;

export const RING_ENTRIES = 4096;
export const ENTRY_WORDS = 4;
export const SLOTS = 4096;
export const TRACE_MMS_MAX: number = 2 ** 20;
const TRACE_TABLES_MAX: number = 2 ** 26;

/**
 * Words that all threads share.
 *
 *   FAILED     1 once some thread has failed: everybody stops. Written by any thread
 *   STOP       1 when readers shall stop. Written by the dispatcher
 *   WAITERS    mutators that wait for another's alloc or free. Written by mutators, add
 *   VIOLATION  number of violations seen, and what the first was. Written by readers
 */
export const CONTROL = {
  FAILED: 0,
  STOP: 1,
  WAITERS: 2,
  VIOLATIONS: 3,
  FIRST_TABLE: 4,
  FIRST_OFFSET: 5,
  FIRST_VALUE: 6,
  FIRST_AFTER_DWELL: 7,
  WORDS: 32,
} as const;

/** A thread's counters, written by it alone. */
export const COUNT = {
  OPERATIONS: 0,
  READS: 1,
  CALLBACKS: 2,
  OUT_OF_PAGES: 3,
  // Through page tables.
  FAULTS: 4,
  UNMAPPED: 5,
  FORKS: 6,
  COLLAPSES: 7,
  SPLITS: 8,
  FOUND: 9,
  NOTHING: 10,
  ALLOCS: 11,
  LIVE: 12,
  LIVE_PEAK: 13,
} as const;

/** A ring: TAKEN is written by the mutator, PUT by the dispatcher. Both only grow. */
export const RING = { TAKEN: 0, PUT: 32, ENTRIES: 64 } as const;

const RING_WORDS = RING.ENTRIES + RING_ENTRIES * ENTRY_WORDS;
const COUNTS_AT = CONTROL.WORDS;
const RINGS_AT = COUNTS_AT + REPLAY_THREADS_MAX * SLOT_WORDS;
const SLOTS_AT = RINGS_AT + REPLAY_THREADS_MAX * RING_WORDS;
const MMS_AT = SLOTS_AT + SLOTS;
const TABLES_AT = MMS_AT + 2 * TRACE_MMS_MAX;
const CONTROL_WORDS = TABLES_AT + TRACE_TABLES_MAX;

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

function countWord(thread: number, field: number): Word {
  return (COUNTS_AT + thread * SLOT_WORDS + field) as Word;
}

export function ringOf(mutator: number): Word {
  return (RINGS_AT + mutator * RING_WORDS) as Word;
}

export function slotWord(table: number): Word {
  return (SLOTS_AT + (table & (SLOTS - 1))) as Word;
}

/** The number of the mm in the heap, 0 while it is not there. */
export function mmWord(mm: number): Word {
  return (MMS_AT + 2 * mm) as Word;
}

/** How many tables of the mm were freed. */
export function mmFreedWord(mm: number): Word {
  return at(mmWord(mm), 1);
}

export function tableWord(table: number): Word {
  return (TABLES_AT + table) as Word;
}

/** Refuses what the fixed tables can't hold. */
export function checkTraceLimits(mm: number, table: number): void {
  if (mm >= TRACE_MMS_MAX) {
    throw new LimitError('mms of a trace', TRACE_MMS_MAX, 'the trace has too many mms to replay');
  }
  if (table >= TRACE_TABLES_MAX) {
    const message = 'the trace has too many tables to replay on threads';
    throw new LimitError('tables of a trace', TRACE_TABLES_MAX, message);
  }
}

/** Adds to a counter of this thread. */
export function count(control: Memory, thread: number, field: number, by: number): void {
  const word = countWord(thread, field);
  control.store(word, control.peek(word) + by);
}

/** Sum of a counter over all threads. */
export function total(control: Memory, field: number): number {
  let sum = 0;
  for (let thread = 0; thread < REPLAY_THREADS_MAX; thread++) {
    sum += control.load(countWord(thread, field)) >>> 0;
  }
  return sum;
}

/** Raises a counter of this thread to a value, if it is less. */
export function atLeast(control: Memory, thread: number, field: number, value: number): void {
  const word = countWord(thread, field);
  if (control.peek(word) < value) control.store(word, value);
}

/** The largest of a counter of all threads. */
export function largest(control: Memory, field: number): number {
  let most = 0;
  for (let thread = 0; thread < REPLAY_THREADS_MAX; thread++) {
    most = Math.max(most, control.load(countWord(thread, field)));
  }
  return most;
}

/** What a published slot says: a table and its kind; 0 for nothing. */
export function packSlot(table: number, kind: number): number {
  return table * 8 + kind + 1;
}

export function slotTable(packed: number): number {
  return (packed - 1) >>> 3;
}

export function slotKind(packed: number): number {
  return (packed - 1) & 7;
}

/** The word that a live table of the trace is filled with; never an empty value. */
export function stampOf(table: number): number {
  return table | 0x40000000;
}
