/** What the threads of a machine are to do, and what their operations have returned so far. */
import { InvariantError } from '../../core/base/errors.js';
import { FIELD, type State } from './state.js';

/** An operation: it may use only the seam, its arguments, and what earlier operations returned. */
export type Operation = (results: readonly unknown[]) => unknown;

const NOTHING: readonly unknown[] = Object.freeze([]);

export class Programs {
  private readonly state: State;
  private readonly operations: readonly (readonly Operation[])[];
  /** Threads that begin again when they have ended. */
  private readonly endless: readonly number[];
  /** What operations returned, one round behind the other. */
  private readonly results: readonly unknown[][];
  /** The step in which the running thread last began again; -1: in none of this run. */
  private roundStep = -1;

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

  /** Whether all threads do. */
  get areEndless(): boolean {
    return this.endless.length === this.operations.length;
  }

  /** What a thread's earlier operations returned, of its round. A copy: what is behind is old. */
  resultsOf(thread: number): readonly unknown[] {
    const results = this.results[thread];
    if (results === undefined) return NOTHING;
    const [begin, end] = [this.indexOf(thread, 0), this.indexOf(thread, this.numberOf(thread))];
    return begin === end ? NOTHING : results.slice(begin, end);
  }

  /** The operation that a thread is in has returned. */
  ended(thread: number, result: unknown): void {
    const number = this.numberOf(thread);
    (this.results[thread] as unknown[])[this.indexOf(thread, number)] = result;
    this.state.setField(thread, FIELD.OPERATION, number + 1);
  }

  private numberOf(thread: number): number {
    return this.state.getField(thread, FIELD.OPERATION);
  }

  private indexOf(thread: number, number: number): number {
    const { length } = this.operations[thread] as readonly Operation[];
    return this.state.getField(thread, FIELD.ROUND) * length + number;
  }

  /** A thread begins to run. */
  begin(): void {
    this.roundStep = -1;
  }

  /** The operation that a thread is in, or begins; null: it has ended. Throws `InvariantError`. */
  next(thread: number, step: number): Operation | null {
    const operations = this.operations[thread] as readonly Operation[];
    const number = this.numberOf(thread);
    if (number < operations.length) return operations[number] as Operation;
    if (!this.isEndless(thread)) return null;
    if (step === this.roundStep) {
      throw new InvariantError('X7', 'a thread goes on for ever and makes no step');
    }
    this.roundStep = step;
    this.state.setField(thread, FIELD.OPERATION, 0);
    this.state.setField(thread, FIELD.ROUND, this.state.getField(thread, FIELD.ROUND) + 1);
    return operations[0] ?? null;
  }
}
