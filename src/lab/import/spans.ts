/**
 * How much of an address space one table maps, in each geometry.
 *
 * A table maps as many of what is one level below as it has entries. PTE tables are always derived;
 * tables of the next level only where they share pages, as in recordings of kernels: a table that
 * fills its pages is kept in the same way by every design.
 */
import type { Geometry } from '../../core/pgtable/geometry.js';

export interface Spans {
  /** Bytes that a PTE table maps. */
  readonly pte: number;
  /** Bytes that a PMD table maps; 0: such tables are not derived. */
  readonly pmd: number;
}

/** An entry has 8 bytes, but for these. */
const ENTRY_BYTES: Readonly<Record<string, number>> = { 'powerpc-8xx-16k': 16 };

export function spansOf({ name, pageBytes, kinds }: Geometry): Spans {
  const entryBytes = ENTRY_BYTES[name] ?? 8;
  const [pteKind, pmdKind] = kinds;
  if (pteKind === undefined) throw new Error(`geometry ${name} has no tables`);
  const pte = (pageBytes * (pteKind.bytes - (pteKind.slotBytes ?? 0))) / entryBytes;
  if (pmdKind === undefined || pmdKind.perPage === 1) return { pte, pmd: 0 };
  return { pte, pmd: (pte * (pmdKind.bytes - (pmdKind.slotBytes ?? 0))) / entryBytes };
}
