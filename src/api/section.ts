/**
 * Read sections as functions: `AttachedThread.read` leaves its section when the function returns.
 *
 * An asynchronous function returns at its first `await`. What it does later would stand behind a
 * `read`, and yet read blocks that nothing keeps: so such functions are refused. The compiler
 * refuses what it can tell; at run time whatever has a method `then` is refused.
 */
import { UsageError } from '../core/base/errors.js';

/** What `await` waits for. */
interface Thenable {
  readonly then: (...args: never[]) => unknown;
}

/** The part of a result that is asynchronous. `any` may be anything: that is for run time. */
type AsyncPart<Result> = 0 extends 1 & Result ? never : Extract<Result, Thenable>;

type NeverIfAsync<Result> = [AsyncPart<Result>] extends [never] ? 'synchronous' : never;

/**
 * In an intersection with the type of a function, which may be `read`'s argument: nothing for one
 * whose result is not asynchronous, and a sentence, which no function is, for one whose result is.
 *
 * The question is asked about a property because of functions whose result is a type parameter.
 * About the result itself the compiler would put the answer off, and refuse all of them; about an
 * object it answers at once, and no.
 */
export type UnlessAsync<Section extends () => unknown> = {
  [Key in Section extends unknown ? 'result' : never]: NeverIfAsync<ReturnType<Section>>;
} extends { result: never }
  ? 'A read section ends when its function returns, so the function must not be asynchronous.'
  : unknown;

/** Refuses the result of a function that goes on after it returned. The section is left by then. */
export function refuseAsync(result: unknown): void {
  if (typeof result !== 'object' && typeof result !== 'function') return;
  if (typeof (result as { then?: unknown } | null)?.then !== 'function') return;
  throw new UsageError(
    'async-read',
    'the function given to read is asynchronous: what it does from its first await on is outside ' +
      'of the section; await first, then read',
  );
}
