/** Addresses of words, as users compute with them: from whatever `memory.load` returned. */
import { type Word, at as wordAt } from '../core/base/units.js';

/**
 * The word `offset` words after `base`. The same as `base + offset`, and quicker where addresses
 * come from many places: the sum stays a 32-bit integer.
 */
export const at: (base: number, offset: number) => Word = wordAt as (
  base: number,
  offset: number,
) => Word;
