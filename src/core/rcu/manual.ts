/**
 * For a thread that decides by itself when a grace period is over: a deterministic replay. It takes
 * the heads that it queued and runs each with `runCallback` when its time has come.
 */
import type { GracePeriod, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Thread } from '../mem/heap.js';
import { RCU_HEAD, THREAD } from '../mem/layout.js';

const NONE: readonly Word[] = Object.freeze([]);

/** Takes what this thread queued since the last call, oldest first. No other thread may poll. */
export function takeQueued(thread: Thread): readonly Word[] {
  const { mem, record } = thread;
  const newest = at(record, THREAD.QUEUE_NEW);
  // Plain: only this thread pushes, and nobody else takes.
  if (mem.peek(newest) === 0) return NONE;
  const heads: Word[] = [];
  let head = mem.exchange(newest, 0) as Word | 0;
  while (head !== 0) {
    heads.push(head);
    head = mem.peek(at(head, RCU_HEAD.NEXT)) as Word | 0;
  }
  return heads.reverse();
}

/** The grace period that a head waits for, 0 for none. */
export function waitsFor(thread: Thread, head: Word): GracePeriod | 0 {
  return thread.mem.peek(at(head, RCU_HEAD.WAITS_FOR)) as GracePeriod | 0;
}
