/**
 * What a thread did, done once more: each operation once, alone, in a scenario that is set up anew,
 * with the answers of the thread's log.
 *
 * That is all that an operation may depend on (X2). In the execution itself its code ran again for
 * each access, among the other threads' and after other executions: a variable that it counts up,
 * an array that it pushes to, an object that threads share is not there what it is here.
 */
import { type AccessKind, type Performer, Seam } from './access.js';
import { differs } from './faults.js';
import { Ghosts } from './ghosts.js';
import type { Log } from './log.js';
import { Machine } from './machine.js';
import { isSame } from './same.js';
import type { Scenario, Stage } from './scenario.js';
import { FIELD, STATUS } from './state.js';

/** What stops a thread where it was stopped before. */
const STOPPED: object = Object.freeze({ stopped: true });

/** How one operation went. */
type Outcome =
  | { readonly kind: 'returned'; readonly result: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'stopped' };

/** What a thread does otherwise when it is alone; null: nothing. */
export function differenceAlone(scenario: Scenario, done: Machine, thread: number): string | null {
  const alone = new Alone(scenario, done, thread);
  const [results, count] = [done.resultsOf(thread), done.operationOf(thread)];
  const say = (operation: number, now: Outcome, was: Outcome): string =>
    `operation ${operation}, run alone and once, ${textOf(now)}; ` +
    `in the execution it ${textOf(was)}`;
  for (let operation = 0; operation < count; operation++) {
    const outcome = alone.run(operation);
    const was: Outcome = { kind: 'returned', result: results[operation] };
    if (!isAsBefore(outcome, was)) return say(operation, outcome, was);
  }
  // Where onReturn threw, the next operation has not begun.
  const { thrown } = done;
  const isBetween = thrown?.thread === thread && thrown.operation < count;
  if (count === alone.operations || isBetween) return null;
  const outcome = alone.run(count);
  const was = lastOf(done, thread);
  return isAsBefore(outcome, was) ? null : say(count, outcome, was);
}

/** How the operation ended in which a thread was when all was over. */
function lastOf({ thrown }: Machine, thread: number): Outcome {
  // A race is found by the memory: the operation itself was stopped there.
  const isOwn =
    thrown?.thread === thread && (Object(thrown.error) as { rule?: string }).rule !== 'race';
  return isOwn ? { kind: 'threw', error: thrown?.error } : { kind: 'stopped' };
}

function isAsBefore(now: Outcome, was: Outcome): boolean {
  if (now.kind === 'returned' && was.kind === 'returned') return isSame(now.result, was.result);
  if (now.kind === 'threw' && was.kind === 'threw') return textOf(now) === textOf(was);
  return now.kind === was.kind;
}

function textOf(outcome: Outcome): string {
  if (outcome.kind === 'stopped') return 'went on';
  if (outcome.kind === 'returned') return `returned ${shownResult(outcome.result)}`;
  const { name = 'Error', message = String(outcome.error) } = Object(outcome.error) as Error;
  return `threw ${name}: ${message}`;
}

function shownResult(result: unknown): string {
  try {
    return JSON.stringify(result)?.slice(0, 60) ?? String(result);
  } catch {
    return 'an object';
  }
}

/** Whether a thread's last access is a wait behind which it has run nothing. */
function isInWait({ state, sleepers }: Machine, thread: number): boolean {
  const status = sleepers.status(thread);
  if (status === STATUS.asleep || status === STATUS.dozing) return true;
  const [begin, end] = [state.getField(thread, FIELD.BEGIN), state.getField(thread, FIELD.END)];
  return end > begin && state.getField(thread, FIELD.AWAKE_FROM) === end;
}

class Alone implements Performer {
  readonly operations: number;
  private readonly program: readonly ((results: readonly unknown[]) => unknown)[];
  private readonly machine: Machine;
  private readonly log: Log;
  private readonly end: number;
  /** Whether the last row is of a wait out of which the thread did not come. */
  private readonly isAsleep: boolean;
  private readonly results: unknown[] = [];
  private position = 0;
  private isPlaying = false;
  private isStopping = false;

  constructor(scenario: Scenario, done: Machine, thread: number) {
    const { words, threads, ghostWords = 0 } = scenario;
    this.machine = new Machine({ words, threads, ghostWords });
    this.log = done.logs[thread] as Log;
    this.end = done.state.getField(thread, FIELD.END);
    this.isAsleep = isInWait(done, thread);
    const stage: Stage = {
      memory: new Seam(this),
      ghost: new Ghosts(this.machine, ghostWords),
      see: () => undefined,
      assume: (condition) => {
        if (!condition) this.stop();
      },
    };
    this.program = scenario.setup(stage).threads[thread] ?? [];
    this.operations = this.program.length;
  }

  run(operation: number): Outcome {
    this.isPlaying = true;
    try {
      const result = this.program[operation]?.(this.results);
      this.results[operation] = result;
      return { kind: 'returned', result };
    } catch (error) {
      return error === STOPPED ? { kind: 'stopped' } : { kind: 'threw', error };
    }
  }

  access(kind: AccessKind, word: number, a: number, b: number): number {
    if (!this.isPlaying) return this.machine.access(kind, word as never, a, b);
    const { log, position } = this;
    // A `finally` on the way out.
    if (this.isStopping) return 0;
    if (position === this.end) this.stop();
    if (!log.matches(position, kind, word as never, a, b)) {
      throw differs(log.access(position), { kind, word: word as never, a, b });
    }
    this.position++;
    if (this.isAsleep && this.position === this.end) this.stop();
    return log.found(position);
  }

  private stop(): never {
    this.isStopping = true;
    throw STOPPED;
  }
}
