/** Ends threads of a torture run at any instant, has them recovered, and starts others instead. */
import type { Worker } from 'node:worker_threads';
import type { AttachedThread } from '../../api/index.js';
import { recoverAtExit } from '../../api/recovery/index.js';
import type { ThreadId } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import { type Heap, threadRecord } from '../../core/mem/heap.js';
import { THREAD } from '../../core/mem/layout.js';
import { heldLocks } from '../../core/mem/lock.js';
import { attachedThreads } from '../../core/rcu/attach.js';
import { workerOf } from '../../core/rcu/attached.js';

/** By then whoever holds up a recovery does not go on any more. */
const STALL_MS = 10_000;

/** What came of the kills so far. */
export interface Kills {
  kills: number;
  killsInside: number;
  recovered: number;
}

/** Words of a record that are not 0 while its thread is in the middle of something. */
const INSIDE = [THREAD.NESTING, THREAD.INTENT, THREAD.HAND, THREAD.PUSHING, THREAD.IN_CALLBACK];

/** Resolves when the worker is no more and what it left is recovered. */
export async function kill(thread: AttachedThread, worker: Worker, kills: Kills): Promise<void> {
  const { heap } = thread.attachment.operations.here();
  const number = worker.threadId;
  // Before its record is recovered, by a listener for the same event.
  worker.once('exit', () => {
    if (isInside(heap, number)) kills.killsInside++;
  });
  const recovered = recoverAtExit(thread, worker, { stallMs: STALL_MS });
  await worker.terminate();
  kills.kills++;
  kills.recovered += (await recovered).length;
}

function isInside(heap: Heap, worker: number): boolean {
  const holders = heldLocks(heap).map(({ thread }) => thread);
  const isBusy = (id: ThreadId): boolean => {
    const record = threadRecord(heap, id);
    if (workerOf(heap, record) !== worker) return false;
    return holders.includes(id) || INSIDE.some((field) => heap.mem.load(at(record, field)) !== 0);
  };
  return attachedThreads(heap).some(isBusy);
}
