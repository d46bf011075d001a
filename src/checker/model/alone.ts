/**
 * What a thread did, done once more: each operation once, alone, in a scenario that is set up anew,
 * with the answers of the thread's log.
 *
 * That is all that an operation may depend on (X2). In the execution itself its code ran again for
 * each access, among the other threads' and after other executions: a variable that it counts up,
 * an array that it pushes to, an object that threads share is not there what it is here.
 */
import type { Word } from '../../core/base/units.js';
import { type AccessKind, isWait } from './access.js';
import { differs } from './faults.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import { isSame } from './same.js';
import type { Scenario } from './scenario.js';
import { type Outcome, Solo } from './solo.js';
import { FIELD, STATUS } from './state.js';

/** What a thread does otherwise when it is alone; null: nothing. */
export function differenceAlone(scenario: Scenario, done: Machine, thread: number): string | null {
  if (done.sleepers.status(thread) === STATUS.unborn) return null;
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
  const { rule } = Object(thrown?.error) as { rule?: string };
  // These are found by the memory: the operation itself was stopped there.
  const isOwn = thrown?.thread === thread && rule !== 'race' && rule !== 'spawn';
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
function isInWait({ state, sleepers, logs }: Machine, thread: number): boolean {
  const status = sleepers.status(thread);
  if (status === STATUS.asleep || status === STATUS.dozing) return true;
  const [begin, end] = [state.getField(thread, FIELD.BEGIN), state.getField(thread, FIELD.END)];
  if (end === begin) return false;
  // Killed asleep, or before it did anything more.
  if (status === STATUS.dead && isWait((logs[thread] as Log).kind(end - 1))) return true;
  return state.getField(thread, FIELD.AWAKE_FROM) === end;
}

/** A thread's operations, one after the other, with the answers of its log. */
class Alone {
  readonly operations: number;
  private readonly solo: Solo;
  private readonly log: Log;
  private readonly end: number;
  /** Whether the last row is of a wait out of which the thread did not come. */
  private readonly isAsleep: boolean;
  private readonly results: unknown[] = [];
  private position = 0;

  constructor(scenario: Scenario, done: Machine, thread: number) {
    this.solo = new Solo(scenario, thread);
    this.operations = this.solo.program.length;
    this.log = done.logs[thread] as Log;
    this.end = done.state.getField(thread, FIELD.END);
    this.isAsleep = isInWait(done, thread);
  }

  run(operation: number): Outcome {
    const outcome = this.solo.run(operation, this.results, (kind, word, a, b) =>
      this.answer(kind, word as Word, a, b),
    );
    if (outcome.kind === 'returned') this.results[operation] = outcome.result;
    return outcome;
  }

  private answer(kind: AccessKind, word: Word, a: number, b: number): number | null {
    const { log, position } = this;
    if (position === this.end) return null;
    if (!log.matches(position, kind, word, a, b)) {
      throw differs(log.access(position), { kind, word, a, b });
    }
    this.position++;
    return this.isAsleep && this.position === this.end ? null : log.found(position);
  }
}
