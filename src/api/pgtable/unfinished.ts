/**
 * What an error says of an operation on a range that ended half-way: a wait for a lock, in vain, is
 * a part of something that the caller knows by another name, and that has done some of its work.
 */
import { StallError } from '../../core/base/errors.js';
import type { Space } from '../../core/pgtable/space.js';
import { addressOf, type PageRange, pageAt } from './address.js';

/** What to throw once work was ended by `error`: of a wait in vain, with what is left to do. */
export function stalledWith(error: unknown, unfinished: string): unknown {
  return error instanceof StallError ? error.leaving(unfinished) : error;
}

/** What is left to do after so many pages. */
export type Unfinished = (done: number) => string;

/** The end of a space: as often as it takes. */
export const ENDING: Unfinished = (done) =>
  `the first ${done} pages are unmapped, and the space is there: call it again`;

/** A method on a range, which does no harm if it is called once more. */
export function againOn(space: Space, { vpn, pages }: PageRange): Unfinished {
  const at = (page: number): string => addressOf(space.format, pageAt(vpn, page));
  return (done) =>
    `${done} of ${pages} pages from ${at(0)} on are done; call it again, from ${at(done)} on`;
}

/** Pages that were mapped, and should not be. */
export function leftMapped(space: Space, { vpn, pages }: PageRange): Unfinished {
  const at = (page: number): string => addressOf(space.format, pageAt(vpn, page));
  return (done) =>
    `what it mapped from ${at(done)} to ${at(pages)} is left; call unmapRange for it`;
}
