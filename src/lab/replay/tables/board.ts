/**
 * What the threads of a replay of tables share beside the heap and the rings.
 *
 *   violations  how many readers saw, and what the first was
 *   slots       published tables: where readers look for something to read
 *   mms         for each mm of the trace its number in the heap, and how many frees were done
 *   tables      for each table of the trace its address: written once, so a reader may trust it
 */
import { LimitError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import type { Memory } from '../../../core/mem/memory.js';
import {
  type HeapBuffer,
  reserveBuffer,
  SharedMemory,
  viewWords,
} from '../../../core/mem/shared.js';
import { checkTraceMm, TRACE_MMS_MAX } from '../limits.js';

/** COUNT says how many; the first to raise it from 0 writes what it saw. Written by readers. */
export const VIOLATION = { COUNT: 0, TABLE: 1, OFFSET: 2, VALUE: 3, AFTER_DWELL: 4 } as const;

const VIOLATION_WORDS = 32;

export const SLOTS = 4096;
const TRACE_TABLES_MAX: number = 2 ** 26;

const SLOTS_AT = VIOLATION_WORDS;
const MMS_AT = SLOTS_AT + SLOTS;
const TABLES_AT = MMS_AT + 2 * TRACE_MMS_MAX;
const BOARD_WORDS = TABLES_AT + TRACE_TABLES_MAX;

/** Reserves the memory; the OS commits only what is touched. */
export function reserveBoard(): HeapBuffer {
  return reserveBuffer(BOARD_WORDS * 4);
}

export function openBoard(buffer: HeapBuffer): Memory {
  return new SharedMemory(viewWords(buffer, 0, BOARD_WORDS), true);
}

export function violationWord(field: number): Word {
  return field as Word;
}

export function slotWord(table: number): Word {
  return (SLOTS_AT + (table & (SLOTS - 1))) as Word;
}

/** The number of the mm in the heap, 0 while it is not there. */
export function mmIdWord(mm: number): Word {
  return (MMS_AT + 2 * mm) as Word;
}

/** How many tables of the mm were freed. */
export function mmFreesWord(mm: number): Word {
  return (MMS_AT + 2 * mm + 1) as Word;
}

export function tableWord(table: number): Word {
  return (TABLES_AT + table) as Word;
}

/** Throws `LimitError` for what the board has no room for. */
export function checkRoom(mm: number, table: number): void {
  checkTraceMm(mm);
  if (table < TRACE_TABLES_MAX) return;
  const message = 'the trace has too many tables to replay on threads';
  throw new LimitError('tables of a trace', TRACE_TABLES_MAX, message);
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
