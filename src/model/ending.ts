/** How an execution ends. */
import type { Machine } from './machine.js';
import { STATUS } from './memory.js';

export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed'; readonly error: unknown; readonly thread: number }
  /** These threads sleep, and nobody is left to wake them. */
  | { readonly kind: 'stuck'; readonly threads: readonly number[] };

/** How the execution that the machine is in has ended; no thread can go on, or one has thrown. */
export function endingOf(machine: Machine): Ending {
  if (machine.thrown !== null) return { kind: 'failed', ...machine.thrown };
  const stuck: number[] = [];
  for (let thread = 0; thread < machine.threads; thread++) {
    if (machine.status(thread) !== STATUS.done) stuck.push(thread);
  }
  return stuck.length === 0 ? { kind: 'complete' } : { kind: 'stuck', threads: stuck };
}
