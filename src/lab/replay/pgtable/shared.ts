/** What each thread of a replay through page tables works with, beside the heap and its ring. */
import type { Memory } from '../../../core/mem/memory.js';
import type { EntryFormat } from '../../../core/pgtable/format.js';

export interface Shared {
  readonly board: Memory;
  readonly format: EntryFormat;
  /** How many threads have places on the board. */
  readonly mutators: number;
}
