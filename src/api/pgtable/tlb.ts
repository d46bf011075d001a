/** A TLB as a user has it: with a mark, so that what is given for one can be told at no cost. */
import { isPowerOfTwo } from '../../core/base/assert.js';
import { UnsupportedError, type UsageError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { privateMemory } from '../../core/mem/shared.js';
import { TLB_SLOT_WORDS, type Tlb } from '../../core/pgtable/tlb.js';
import { refusal } from '../arguments.js';

/** 512 MiB of slots. */
const SLOTS_MAX = 2 ** 24;

export class ThreadTlb implements Tlb {
  readonly memory: Memory;
  readonly slotsAt: Word = 0 as Word;
  readonly slots: number;
  /** A property, and no `instanceof`: that costs a tenth of a translation that is found. */
  readonly isTlb: boolean = true;

  constructor(slots: number) {
    const isWhole = typeof slots === 'number' && (slots | 0) === slots;
    if (!isWhole || !isPowerOfTwo(slots) || slots > SLOTS_MAX) {
      const allowed = `it must be a power of two, 1 to ${SLOTS_MAX}`;
      throw refusal('bad-slots', 'createTlb: slots', slots, allowed);
    }
    this.memory = memoryFor(slots);
    this.slots = slots;
  }
}

function memoryFor(slots: number): Memory {
  try {
    return privateMemory(slots * TLB_SLOT_WORDS);
  } catch {
    const bytes = slots * TLB_SLOT_WORDS * 4;
    throw new UnsupportedError('no-memory', `${bytes} bytes for a TLB can't be reserved`);
  }
}

/** The error for what createTlb did not return. */
export function noTlb(given: unknown): UsageError {
  return refusal('bad-tlb', 'walkCached: tlb', given, 'it must be what createTlb returned');
}
