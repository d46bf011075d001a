/** A TLB as a user has it: it says whose it is, so that another is told at no cost. */
import { isPowerOfTwo } from '../../core/base/assert.js';
import { UnsupportedError, type UsageError } from '../../core/base/errors.js';
import { isRevoked, refusal, showAs } from '../../core/base/shown.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { privateMemory } from '../../core/mem/shared.js';
import { TLB_SLOT_WORDS, type Tlb } from '../../core/pgtable/tlb.js';
import type { Attachment } from '../attachment.js';

/** 512 MiB of slots. */
const SLOTS_MAX = 2 ** 24;

export class ThreadTlb implements Tlb {
  readonly memory: Memory;
  readonly slotsAt: Word = 0 as Word;
  readonly slots: number;
  /**
   * The thread that it is good for. Its slots name mms by number, and another heap gives the same
   * numbers to mms of its own. To compare it is all: `instanceof` would cost a tenth of a
   * translation that is found.
   */
  readonly attachment: Attachment;

  constructor(slots: number, attachment: Attachment) {
    const isWhole = typeof slots === 'number' && (slots | 0) === slots;
    if (!isWhole || !isPowerOfTwo(slots) || slots > SLOTS_MAX) {
      const allowed = `it must be a power of two, 1 to ${SLOTS_MAX}`;
      throw refusal('bad-slots', 'createTlb: slots', slots, allowed);
    }
    attachment.operations.here();
    this.memory = memoryFor(slots);
    this.slots = slots;
    this.attachment = attachment;
  }
}

showAs(ThreadTlb.prototype, ({ slots }) => `Tlb of ${slots} slots`);

function memoryFor(slots: number): Memory {
  try {
    return privateMemory(slots * TLB_SLOT_WORDS);
  } catch {
    const bytes = slots * TLB_SLOT_WORDS * 4;
    throw new UnsupportedError('no-memory', `${bytes} bytes for a TLB can't be reserved`);
  }
}

/** Whose a TLB is, whatever is given for one. Hot. */
export function attachmentOf(given: Tlb): unknown {
  try {
    return (given as ThreadTlb | null | undefined)?.attachment;
  } catch (error) {
    if (isRevoked(given)) return null;
    throw error;
  }
}

/** The error for what createTlb did not return, or not on this thread. */
export function noTlb(given: unknown): UsageError {
  const allowed = 'it must be what createTlb returned, of a space of this heap on this thread';
  return refusal('bad-tlb', 'walkCached: tlb', given, allowed);
}
