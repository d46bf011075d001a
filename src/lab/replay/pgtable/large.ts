/** Splitting a large frame, where the table for its parts may have to be waited for. */
import type { Vpn } from '../../../core/base/units.js';
import { depositTable, split, withdrawTable } from '../../../core/pgtable/collapse.js';
import type { Space } from '../../../core/pgtable/space.js';

/**
 * Splits what is mapped at a page; false, and nothing has changed, if it is no large frame; null if
 * there is no page for a table.
 */
export function trySplit(space: Space, page: Vpn): boolean | null {
  const deposited = depositTable(space);
  if (deposited === null) return null;
  const done = split(space, page, deposited);
  if (!done) withdrawTable(space, deposited);
  return done;
}
