/**
 * A walk of an address as users give it. Hot: what the engine refuses to follow in a damaged heap
 * is caught, and not asked for before.
 */
import { type Space, WORD_VALUES } from '../../core/pgtable/space.js';
import { walk, walkAddress } from '../../core/pgtable/walk.js';
import { lookFailed } from '../operation.js';
import { type Address, pageOf } from './address.js';

/** As `walk` of the core. `end`: where addresses end that are numbers. */
export function walkTo(space: Space, va: Address, end: number): number {
  try {
    // `| 0` takes the lower 32 bits of any safe integer; cut in two, no number is allocated.
    return isAddress(va, end)
      ? walkAddress(space, va | 0, (va / WORD_VALUES) | 0)
      : walk(space, pageOf(space.format, va));
  } catch (error) {
    throw lookFailed(error);
  }
}

/** Whether an address is a number that needs no more than to be cut in two words. */
export function isAddress(va: Address, end: number): va is number {
  return typeof va === 'number' && va >= 0 && va < end && Math.floor(va) === va;
}
