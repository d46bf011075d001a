/** What operations do that can't be run again: the X rules, and how it is noticed. */
import { InvariantError } from '../../core/base/errors.js';
import { ACCESS, type Access, accessName } from './access.js';
import type { Log } from './log.js';

/** Throws `InvariantError` for what an operation returns that goes on, or begins, later. */
export function requireSynchronous(result: unknown): void {
  if (result instanceof Promise) {
    // It is going to reject with the suspension, which concerns nobody.
    result.catch(() => undefined);
    throw new InvariantError(
      'X1',
      'an operation is an async function: it must be done when it returns',
    );
  }
  if (typeof (result as { next?: unknown } | null | undefined)?.next === 'function') {
    throw new InvariantError('X1', 'an operation is a generator: nothing of it has run');
  }
}

/** What a thread's run ended with, if not with a suspension. */
export interface Thrown {
  /** -1: it is what `always` found, nobody's. */
  readonly thread: number;
  /** Which of its operations threw, or had just returned when `onReturn` did. */
  readonly operation: number;
  readonly error: unknown;
}

/** Accesses of one operation that are followed. */
export const OPERATION_ACCESSES_MAX = 2_000;

/** Plain reads that are looked at, and those of a round. */
const READS_AGAIN = 1_000;
const ROUND_MAX = 64;

/**
 * What is thrown where an operation makes too many accesses: a bound of the model's own, unless it
 * goes round in plain reads. Nobody can change what it reads there, for that would be a race.
 */
export function tooLong(log: Log, end: number): InvariantError {
  if (!readsAgain(log, end)) return new InvariantError('X8', 'an operation made too many accesses');
  const goes = 'an operation goes round for ever';
  return new InvariantError('X7', `${goes}: it reads again, plainly, what it has read`);
}

/** Whether the last accesses are plain reads, the same in each round. */
function readsAgain(log: Log, end: number): boolean {
  for (let round = 1; round <= ROUND_MAX; round++) {
    if (repeats(log, end, round)) return true;
  }
  return false;
}

function repeats(log: Log, end: number, round: number): boolean {
  for (let row = end - 1; row >= end - READS_AGAIN; row--) {
    if (log.kind(row) !== ACCESS.peek || log.word(row) !== log.word(row - round)) return false;
    if (log.kind(row - round) !== ACCESS.peek) return false;
  }
  return true;
}

/** Whether that was thrown. */
export function isTooLong(error: unknown): boolean {
  return error instanceof InvariantError && error.rule === 'X8';
}

/** What an error that an operation threw is the sign of: a broken X rule, or nothing but itself. */
export function causeOf(error: unknown, suspending: boolean): unknown {
  const isOurs = (Object(error) as { rule?: string }).rule?.startsWith('X') === true;
  if (suspending && !isOurs) return swallowed();
  return isFrozenWrite(error) ? changes(error) : error;
}

/** What is said of an operation that caught its suspension. */
export function swallowed(): InvariantError {
  const cause = 'it caught the exception that suspends it; catch only what is known';
  return new InvariantError('X3', `an operation went on although ${cause}`);
}

/** The words are those of V8: it is the checker that runs on Node, not the core. */
function isFrozenWrite(error: unknown): error is TypeError {
  if (!(error instanceof TypeError)) return false;
  return /read only property|not extensible|Cannot (?:delete|redefine) property/.test(
    error.message,
  );
}

function changes({ message }: TypeError): InvariantError {
  return new InvariantError('X2', `an operation changes a handle: ${message}`);
}

/** What is said of an operation that does not do the same when it is run again. */
export function differs(was: Access, now: Access | null): InvariantError {
  const show = (access: Access): string =>
    `${accessName(access.kind)} of word ${access.word} (${access.a}, ${access.b})`;
  const then = now === null ? 'it ended instead' : `this time came ${show(now)}`;
  return new InvariantError(
    'X2',
    'run again, an operation did not do the same. ' +
      `Before: ${show(was)}; ${then}. ` +
      'It depends on something outside of the heap: a variable, a modified argument, ' +
      'time or chance',
  );
}
