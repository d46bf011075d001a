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
   * The operation has thrown; returns what to throw. What is not ours came at any place. A wait in
   * vain is told by the name of who waited.
   */
  failed(error: unknown): unknown {
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

  /** The same for what can as well be done later: undefined, and nothing is done, out of stack. */
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
    const todo = 'end this worker, and use another heap if check() finds anything';
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

function isOurs(error: unknown): boolean {
  return OURS.some((each) => error instanceof each);
}
