/** What an imported trace says of its pages: how many tables share one. */
import type { Geometry } from '../../core/pgtable/geometry.js';

/** How many tables share a page, by kind; 0: tables of that kind are not derived. */
export function sharesOf({ kinds }: Geometry): [pte: number, pmd: number] {
  const [pte, pmd] = kinds;
  const pmdShare = pmd?.perPage ?? 0;
  return [pte?.perPage ?? 0, pmdShare > 1 ? pmdShare : 0];
}
