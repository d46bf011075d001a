/** What operations do that can't be run again: the X rules, and how it is noticed. */
import { InvariantError } from '../../core/base/errors.js';
import { type Access, accessName } from './access.js';

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
