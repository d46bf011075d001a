/** The end of a heap that a crew has worked on: callbacks run, all is checked, pages are back. */
import { AttachedThread } from '../../api/thread.js';
import { CALLBACKS } from '../../core/frag/callback.js';
import type { Violation } from '../../core/frag/check.js';
import type { Heap } from '../../core/mem/heap.js';
import { attachThread } from '../../core/rcu/attach.js';
import { pollAll } from '../../core/rcu/callback.js';

/** Rounds of callbacks that can follow the last free: C, then N. */
const DRAIN_ROUNDS = 3;

export interface Drained {
  readonly callbacks: number;
  readonly violations: readonly Violation[];
}

/** Runs what is pending, checks the whole heap, and wants every page back. */
export function drainHeap(heap: Heap): Drained {
  const core = attachThread(heap, 'epoch');
  let callbacks = 0;
  for (let round = 0; round < DRAIN_ROUNDS; round++) {
    callbacks += pollAll(core, CALLBACKS, Number.MAX_SAFE_INTEGER);
  }
  const thread = new AttachedThread(core);
  thread.barrier();
  const violations = thread.check({ drained: true });
  const { free, limit } = thread.pages();
  if (free !== limit) {
    violations.push({ rule: 'P9', detail: `${limit - free} pages did not come back` });
  }
  thread.detach();
  return { callbacks, violations };
}
