/** What the threads of a machine are to do, and what their operations have returned so far. */
import { InvariantError } from '../../core/base/errors.js';
import { FIELD, type State } from './state.js';

/** An operation: it may use only the seam, its arguments, and what earlier operations returned. */
export type Operation = (results: readonly unknown[]) => unknown;

export class Programs {
  private readonly state: State;
  private readonly operations: readonly (readonly Operation[])[];
  /** Threads that begin again when they have ended. */
  private readonly endless: readonly number[];
  private readonly results: readonly unknown[][];
  /** Where the running thread's log ended when it last began again in this step; -1: nowhere. */
  private passEnd = -1;

  constructor(
    state: State,
    operations: readonly (readonly Operation[])[],
    endless: readonly number[],
  ) {
    this.state = state;
    this.operations = operations;
    this.endless = endless;
    this.results = Array.from({ length: state.threads }, () => []);
  }

  /** Whether a thread begins again when it has ended. */
  isEndless(thread: number): boolean {
    return this.endless.includes(thread);
  }

  /** What a thread's earlier operations returned, also in rounds before. */
  resultsOf(thread: number): unknown[] {
    return this.results[thread] ?? [];
  }

  /** A thread begins a step. */
  begin(): void {
    this.passEnd = -1;
  }

  /** The operation that a thread is in, or begins; null: it has ended. Throws `InvariantError`. */
  next(thread: number): Operation | null {
    const operations = this.operations[thread] as readonly Operation[];
    const number = this.state.getField(thread, FIELD.OPERATION);
    if (number < operations.length) return operations[number] as Operation;
    if (!this.isEndless(thread)) return null;
    const end = this.state.getField(thread, FIELD.END);
    if (end === this.passEnd) {
      throw new InvariantError('X7', 'a thread goes on for ever and accesses nothing');
    }
    this.passEnd = end;
    this.state.setField(thread, FIELD.OPERATION, 0);
    return operations[0] ?? null;
  }
}
