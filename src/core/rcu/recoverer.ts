/**
 * Who recovers what: each record of a dead JavaScript thread is claimed, and so are those that it
 * was recovering itself. See attached.ts for the word that says so.
 */
import type { ThreadId } from '../base/units.js';
import type { Thread } from '../mem/heap.js';
import { claim, giveUp, handleOn, recordsWhere, recovererOf, workerOf } from './attached.js';

/** What became of the records of a JavaScript thread. */
export interface Recovery {
  /** Those that are recovered and free. What another thread recovers at this moment is not here. */
  readonly recovered: readonly ThreadId[];
  /** One that could not be: somebody is in the way. To be recovered later; null: there is none. */
  readonly left: ThreadId | null;
}

/**
 * Recovers each record of a JavaScript thread that makes no step any more, by `recover`, which
 * returns false if somebody is in the way. Blocks as that does.
 */
export function recoverWorker(
  by: Thread,
  worker: number,
  recover: (dead: Thread) => boolean,
): Recovery {
  const { heap } = by;
  const recovered: ThreadId[] = [];
  let left: ThreadId | null = null;
  for (const id of recordsWhere(heap, (record) => workerOf(heap, record) === worker)) {
    const dead = claim(by, id, worker);
    if (dead === null) continue;
    if (recoverClaimed(by, dead, recover)) {
      recovered.push(id);
    } else {
      giveUp(dead);
      left ??= id;
    }
  }
  return { recovered, left };
}

/**
 * First what the dead thread was recovering itself: once its record is free nobody would know of
 * that. Until then it needs no claim of its own.
 */
function recoverClaimed(by: Thread, dead: Thread, recover: (dead: Thread) => boolean): boolean {
  const { heap } = by;
  const claimed = recordsWhere(heap, (record) => recovererOf(heap, record) === dead.id);
  return claimed.every((id) => recoverClaimed(by, handleOn(by, id), recover)) && recover(dead);
}
