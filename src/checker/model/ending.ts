/** How an execution ends. */
import { isTooLong } from './faults.js';
import type { Machine } from './machine.js';
import { STATUS } from './state.js';

/** `failed`: a thread threw; or what `always` found, then it is of thread -1. */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed'; readonly error: unknown; readonly thread: number }
  /** These threads sleep, and nobody is left to wake them. */
  | { readonly kind: 'stuck'; readonly threads: readonly number[] }
  /** What these threads assumed was not so: this is no execution of the program. */
  | { readonly kind: 'dismissed'; readonly threads: readonly number[] }
  /** An operation made more accesses than the model follows: nothing is known of what comes. */
  | { readonly kind: 'cut' };

/** Conditions of threads that are not waited for. */
const IDLE: readonly number[] = [STATUS.done, STATUS.unborn, STATUS.dead];

/** How the execution that the machine is in has ended; no thread can go on, or one has thrown. */
export function endingOf(machine: Machine): Ending {
  if (machine.thrown !== null) {
    const { error, thread } = machine.thrown;
    if (isTooLong(error)) return { kind: 'cut' };
    return { kind: 'failed', error, thread };
  }
  const { programs } = machine;
  const waiting: number[] = [];
  const dismissed: number[] = [];
  for (let thread = 0; thread < machine.threads; thread++) {
    const status = machine.sleepers.status(thread);
    if (status === STATUS.dismissed) dismissed.push(thread);
    else if (!IDLE.includes(status)) waiting.push(thread);
  }
  if (dismissed.length > 0) return { kind: 'dismissed', threads: dismissed };
  // Who goes on for ever may wait once the others have ended: nobody is left to do something for.
  const isMissed = programs.areEndless || waiting.some((thread) => !programs.isEndless(thread));
  return waiting.length > 0 && isMissed
    ? { kind: 'stuck', threads: waiting }
    : { kind: 'complete' };
}
