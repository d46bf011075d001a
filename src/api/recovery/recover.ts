/** What a JavaScript thread left attached when it died, recovered by another one. */
import type { Blocker } from '../../core/base/blocker.js';
import { StallError, UsageError } from '../../core/base/errors.js';
import type { ThreadId } from '../../core/base/units.js';
import { recoverThread } from '../../core/frag/recover.js';
import { describeThread, nameOfThread, type Thread } from '../../core/mem/heap.js';
import { formatOf } from '../../core/pgtable/formats/index.js';
import { tableRecovery } from '../../core/pgtable/unmake.js';
import { workerOf } from '../../core/rcu/attached.js';
import { blockersOf, SOME_RUNNER } from '../../core/rcu/held-up.js';
import { recoverWorker } from '../../core/rcu/recoverer.js';
import { WORKERS, wholeNumber } from '../arguments.js';
import { type Attachment, attachmentOf } from '../attachment.js';
import { OPERATIONS } from '../operations.js';
import type { AttachedThread } from '../thread.js';

/** An attached thread whose JavaScript thread died, and of which nothing is left. */
export interface RecoveredThread extends Pick<Blocker, 'name' | 'attachedAtMs'> {
  /** Its number, which another thread may have by now. */
  readonly thread: ThreadId;
}

const TABLES = tableRecovery(formatOf);

/**
 * Recovers what a JavaScript thread left that died, at whatever instant: locks, half-done
 * operations, callbacks, read sections, spaces that it was making. `worker` is what it gave to
 * `attach`, in Node its `threadId`. It must not make another step, ever. Nothing happens, and []
 * comes back, where it had left by itself or another thread recovers it. Blocks; O(pages) for each
 * thread that it had attached. Throws `StallError` where somebody else is in the way: call it again
 * once that one has gone on, or was recovered; `UsageError` for this thread's own number.
 */
export function recover(thread: AttachedThread, worker: number): RecoveredThread[] {
  const attachment = attachmentOf(thread, 'recover');
  return recoverBy(attachment, workerAsked(attachment, worker, 'recover'));
}

/** A number of a JavaScript thread that is not the caller's. Throws `UsageError`. */
export function workerAsked({ operations }: Attachment, worker: unknown, what: string): number {
  const number = wholeNumber(worker, WORKERS, `${what}: worker`, 'bad-worker');
  const { heap, record } = operations.here();
  // Who calls is at work in its own record: it would free that under its own feet.
  if (workerOf(heap, record) !== number) return number;
  const allowed = 'that is this thread itself, which recovers what another one left that has ended';
  throw new UsageError('own-worker', `${what}: worker is ${number}; ${allowed}`);
}

/** The same of a number that was judged; adds to `all`, also where it throws. */
export function recoverBy(
  { operations }: Attachment,
  worker: number,
  all: RecoveredThread[] = [],
): RecoveredThread[] {
  return operations.run(OPERATIONS.recover, (core) => {
    const { left } = recoverWorker(core, worker, (dead) => {
      // Asked before: afterwards it may be another's record.
      const { name, attachedAtMs } = describeThread(core.heap, dead.id);
      const isDone = tryRecover(dead);
      if (isDone) all.push({ thread: dead.id, name, attachedAtMs });
      return isDone;
    });
    if (left !== null) throw inTheWay(core, left);
    return all;
  });
}

function tryRecover(dead: Thread): boolean {
  try {
    return recoverThread(dead, TABLES);
  } catch (error) {
    // To end a space takes locks as any operation does: there a wait in vain is thrown.
    if (error instanceof StallError) return false;
    throw error;
  }
}

/** Whoever has the lock, or the queue, that the dead thread's recovery waited for. */
function inTheWay({ heap, id, lockWaits }: Thread, dead: ThreadId): StallError {
  // The dead thread has its locks until all is in order, but is not in its own way.
  const others = blockersOf(heap).filter(({ thread }) => thread !== dead && thread !== id);
  const blocker = others.find(({ cause }) => cause === 'lock' || cause === 'queue') ?? others[0];
  const rest = `what ${nameOfThread(heap, dead)} left is not recovered yet: call recover again`;
  return new StallError(
    'waiting for another thread',
    blocker ?? SOME_RUNNER,
    lockWaits.stallMs,
    rest,
  );
}
