/**
 * Read sections as functions: `AttachedThread.read` leaves its section when the function returns.
 *
 * An asynchronous function returns at its first `await`, a generator before its first line. What
 * they do later would stand behind a `read`, and yet read blocks that nothing keeps: so such
 * functions are refused. The compiler refuses what it can tell; at run time a result is refused
 * that has a method `then`, or that is an iterator of its own, as what a generator returns.
 */
import { UsageError } from '../core/base/errors.js';

/** What `await` waits for. */
interface Thenable {
  readonly then: (...args: never[]) => unknown;
}

/** What a generator returns, and whatever else finds its elements when it is asked for them. */
type Lazy = { readonly next: (...args: never[]) => unknown } & (
  | { readonly [Symbol.iterator]: () => unknown }
  | { readonly [Symbol.asyncIterator]: () => unknown }
);

/** The part of a result that goes on later. `any` may be anything: that is for run time. */
type LaterPart<Result> = 0 extends 1 & Result ? never : Extract<Result, Thenable | Lazy>;

type NeverIfLater<Result> = [LaterPart<Result>] extends [never] ? 'over' : never;

/**
 * In an intersection with the type of a function, which may be `read`'s argument: nothing for one
 * that is over when it returns, and a sentence, which no function is, for one that goes on.
 *
 * The question is asked about a property because of functions whose result is a type parameter.
 * About the result itself the compiler would put the answer off, and refuse all of them; about an
 * object it answers at once, and no.
 */
export type UnlessAsync<Section extends () => unknown> = {
  [Key in Section extends unknown ? 'result' : never]: NeverIfLater<ReturnType<Section>>;
} extends { result: never }
  ? 'A read section ends when its function returns: it must not be asynchronous, or a generator.'
  : unknown;

/** Refuses the result of a function that goes on after it returned. The section is left by then. */
export function refuseAsync(result: unknown): void {
  if (typeof result !== 'object' && typeof result !== 'function') return;
  if (result === null) return;
  const what = laterWhat(result);
  if (what !== null) throw new UsageError('async-read', `read: the function ${what}`);
}

/** Why the function that this came of is not over; null: it is. */
function laterWhat(result: Partial<Thenable & Lazy>): string | null {
  if (typeof result.then === 'function') {
    const later = 'what it does from its first await on is outside of the section';
    return `is asynchronous: ${later}; await first, then read`;
  }
  if (typeof result.next !== 'function') return null;
  if (!(Symbol.iterator in result || Symbol.asyncIterator in result)) return null;
  const later = 'what finds its elements runs later, outside of the section';
  return `is a generator, or returns an iterator: ${later}; return an array`;
}
