/** Going a way that is known. */
import type { Step } from './explore.js';
import type { Machine } from './machine.js';

/** Lets threads make steps in an order in which they can, and says what they did. */
export function walk(machine: Machine, threads: readonly number[]): Step[] {
  return threads.map((thread) => {
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    return { thread, access, found: machine.found };
  });
}
