/** Recovering what a worker of Node's leaves, once it has exited. */
import { StallError } from '../../core/base/errors.js';
import { isObject, refusal } from '../../core/base/shown.js';
import { WORKERS_MAX } from '../../core/rcu/attached.js';
import { milliseconds, optionsOf } from '../arguments.js';
import { type Attachment, attachmentOf } from '../attachment.js';
import type { AttachedThread } from '../thread.js';
import { type RecoveredThread, recoverBy, workerAsked } from './recover.js';

/** What is used of a `Worker` of `node:worker_threads`. */
export interface ExitingWorker {
  readonly threadId: number;
  once(event: 'exit', listener: () => void): unknown;
}

/** How long to try. */
export interface RecoverAtExitOptions {
  /**
   * For how long to try again, in milliseconds, while somebody is in the way who is alive, or dead
   * and not recovered yet. Then the promise rejects with the `StallError`. Default: 10,000.
   */
  readonly stallMs?: number | undefined;
}

/** How long helpers try, if they are not told. */
export const STALL_MS = 10_000;

/** Between two tries, in milliseconds: whoever is in the way may have been recovered meanwhile. */
const AGAIN_MS = 20;

/**
 * Recovers what a worker leaves that is ended by `terminate`, or by an error, at any instant: to be
 * called for each worker while it runs. Resolves after its exit to the threads that it left behind,
 * [] if it left by itself. Does not keep the process alive. Rejects as `recover` throws, and with a
 * `UsageError` if `thread` has left the heap by then.
 */
export async function recoverAtExit(
  thread: AttachedThread,
  worker: ExitingWorker,
  options: RecoverAtExitOptions = {},
): Promise<RecoveredThread[]> {
  const attachment = attachmentOf(thread, 'recoverAtExit');
  const { stallMs } = optionsOf(options, 'recoverAtExit');
  const forMs = milliseconds(stallMs, STALL_MS, 'recoverAtExit: stallMs');
  // Asked now: once it has exited a worker has no number any more.
  const number = workerAsked(attachment, numberOf(worker), 'recoverAtExit');
  await new Promise<void>((resolve) => worker.once('exit', resolve));
  return await recoverWithin(attachment, number, forMs);
}

function numberOf(worker: unknown): number {
  const given = isObject(worker) ? (worker as Partial<ExitingWorker>) : {};
  const { threadId, once } = given;
  if (typeof once === 'function' && Number.isSafeInteger(threadId) && (threadId as number) >= 0) {
    // As attach does: a process may have had more workers than there are numbers here.
    return (threadId as number) % WORKERS_MAX;
  }
  const allowed = 'it must be a Worker of node:worker_threads that has not exited';
  throw refusal('bad-worker', 'recoverAtExit: worker', worker, allowed);
}

/** Tries until nobody is in the way, for so long. */
export async function recoverWithin(
  attachment: Attachment,
  worker: number,
  forMs: number,
): Promise<RecoveredThread[]> {
  const end = performance.now() + forMs;
  // Of several threads of one worker some may be recovered by one try, and some by the next.
  const all: RecoveredThread[] = [];
  for (;;) {
    try {
      return recoverBy(attachment, worker, all);
    } catch (error) {
      // Who is in the way may be dead as well, and be recovered while this waits.
      if (!(error instanceof StallError) || performance.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
