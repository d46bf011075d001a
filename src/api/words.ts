/** Addresses of words, as users compute with them: from whatever `memory.load` returned. */
import { refusal } from '../core/base/shown.js';
import * as units from '../core/base/units.js';
import { isWord } from './arguments.js';

/**
 * The word `offset` words after `base`. The same as `base + offset`, and quicker where addresses
 * come from many places: the sum stays a 32-bit integer. Throws `UsageError` for what is none.
 */
export function at(base: number, offset: number): units.Word {
  if (isWord(base) && isWord(offset)) return units.at(base as units.Word, offset);
  const [name, given] = isWord(base) ? ['offset', offset] : ['base', base];
  throw refusal('bad-word', `at: ${name}`, given, 'it must be a whole number of 32 bits');
}
