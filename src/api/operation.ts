/**
 * Operations of an attached thread, from their begin to their end.
 *
 * An exception may come at any call: at the end of the stack, or of a time that `vm` sets, after
 * which not even `finally` runs. The first is seen before an operation begins (stack.ts). The
 * second can't be seen before; but the operation that was broken off is still marked as under way
 * when the next begins. Then the handle is of no use any more: a lock may be held, a list half
 * linked.
 */
import {
  InvariantError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
} from '../core/base/errors.js';
import type { Thread } from '../core/mem/heap.js';
import { markBroken } from '../core/mem/lock.js';
import { probeDeepStack, probeStack } from './stack.js';

/** Something that users call and that writes to a heap: one for all attached threads. */
export class Operation {
  readonly name: string;
  /** Its place in ALL; a number, for that is stored faster than an object is. */
  readonly number: number;
  /**
   * Whether programs call it so often that its code stays compiled (warm-up.ts): V8 throws away
   * what did not run for some garbage collections.
   */
  private readonly isFrequent: boolean;

  constructor(name: string, isFrequent: boolean) {
    this.name = name;
    this.isFrequent = isFrequent;
    this.number = ALL.push(this) - 1;
  }

  /** Throws `RangeError` where there is too little stack. */
  requireStack(): void {
    if (this.isFrequent) probeStack(this.number);
    else probeDeepStack();
  }
}

const ALL: (Operation | null)[] = [null];

/** What is under way where nothing is. */
const NOTHING = 0;

/** What is under way once the thread has left: so one comparison asks for both. */
const LEFT = -1;

export class Operations {
  private readonly core: Thread;
  /** Number of the operation that is under way. */
  private underWay = NOTHING;

  constructor(core: Thread) {
    this.core = core;
  }

  /** The core's handle, for what writes nothing that others rely on. Throws as `begin`. */
  here(): Thread {
    if (this.underWay === NOTHING) return this.core;
    throw this.refusal();
  }

  /**
   * Marks an operation as under way; `end` or `failed` must follow. Throws `UsageError` for a
   * thread that has left, or of which an operation was broken off; `RangeError` near the end of the
   * stack.
   */
  begin(operation: Operation): Thread {
    if (this.underWay !== NOTHING) throw this.refusal();
    operation.requireStack();
    this.underWay = operation.number;
    return this.core;
  }

  end(): void {
    this.underWay = NOTHING;
  }

  /**
   * The operation has thrown; returns what to throw. What is not ours came at any place, so the
   * operation stays under way; if it is of a damaged heap, whoever waits for its locks is told. A
   * wait in vain is told by the name of who waited.
   */
  failed(error: unknown): unknown {
    if (isOfDamage(error)) {
      markBroken(this.core.heap, 12);
      return damaged(error);
    }
    if (!isOurs(error)) return error;
    const name = ALL[this.underWay]?.name;
    this.underWay = NOTHING;
    return error instanceof StallError && name !== undefined ? error.during(name) : error;
  }

  /** Does an operation. */
  run<Result>(operation: Operation, work: (thread: Thread) => Result): Result {
    const thread = this.begin(operation);
    let result: Result;
    try {
      result = work(thread);
    } catch (error) {
      throw this.failed(error);
    }
    this.end();
    return result;
  }

  /** Does what writes nothing. Context: as `here`. */
  look<Result>(work: (thread: Thread) => Result): Result {
    const thread = this.here();
    try {
      return work(thread);
    } catch (error) {
      throw lookFailed(error);
    }
  }

  /** As `run`, of what can as well be done later: undefined, and nothing is done, out of stack. */
  runIfRoom<Result>(operation: Operation, work: (thread: Thread) => Result): Result | undefined {
    try {
      operation.requireStack();
    } catch {
      return undefined;
    }
    return this.run(operation, work);
  }

  /** From now on everything is refused: the thread has left the heap. */
  leave(): void {
    this.underWay = LEFT;
  }

  get hasLeft(): boolean {
    return this.underWay === LEFT;
  }

  get isBrokenOff(): boolean {
    return this.underWay !== NOTHING && this.underWay !== LEFT;
  }

  private refusal(): UsageError {
    const { id } = this.core;
    if (this.hasLeft) return goneError(this.core);
    const name = ALL[this.underWay]?.name;
    const what = `${name} of thread ${id} was broken off, so it may hold locks, and have done half`;
    const todo = 'end this worker, and let another thread recover what it left (ptfrag/recovery)';
    return new UsageError('broken-off', `${what} of its work; ${todo}`);
  }
}

/** The error of a handle whose thread has left. */
export function goneError({ id }: Thread): UsageError {
  return new UsageError('detached', `thread ${id} has left the heap`);
}

const OURS = [
  UsageError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  InvariantError,
] as const;

/** What to throw for what was thrown where nothing is written: nobody waits for what it holds. */
export function lookFailed(error: unknown): unknown {
  return isOfDamage(error) ? damaged(error) : error;
}

/**
 * Whether the engine has refused what a word of the heap said: an access behind the heap's end, a
 * kind that there isn't. At the end of the stack, and of memory, engines say other things.
 */
function isOfDamage(error: unknown): error is Error {
  if (error instanceof TypeError) return true;
  return error instanceof RangeError && /atomic|index|bounds/i.test(error.message);
}

function damaged(error: Error): InvariantError {
  const found = new InvariantError('P12', `a word of the heap can't be followed: ${error.message}`);
  found.cause = error;
  return found;
}

function isOurs(error: unknown): boolean {
  return OURS.some((each) => error instanceof each);
}
