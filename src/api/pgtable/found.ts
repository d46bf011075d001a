/** What a walk found, taken apart by users: judged, where the core trusts. */
import { refusal } from '../../core/base/shown.js';
import type { Prot } from '../../core/pgtable/format.js';
import * as walks from '../../core/pgtable/walk.js';
import { isWord } from '../arguments.js';

/** Number of the frame: its physical address by the page size. Throws `UsageError`. */
export function frameOf(found: number): number {
  return walks.frameOf(requireFound(found, 'frameOf'));
}

/** What the mapping allows: bits of PROT. Throws `UsageError`. */
export function protOf(found: number): Prot {
  return walks.protOf(requireFound(found, 'protOf'));
}

/** Refuses what names no frame: NOT_MAPPED, which is negative, would give one that is none. */
function requireFound(found: number, what: string): number {
  if (isWord(found) && found >= 0) return found;
  const allowed = 'it must be what walk returned, and not NOT_MAPPED';
  throw refusal('not-mapped', `${what}: found`, found, allowed);
}
