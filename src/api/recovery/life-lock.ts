/**
 * Recovering what a browser's worker leaves. No event tells of its end, but a Web Lock does: a
 * browser releases what a worker holds when the worker ends, by whatever cause.
 *
 * So the worker holds a lock for as long as it lives, and another thread asks for the same: it gets
 * it when the worker is no more.
 */
import { UsageError } from '../../core/base/errors.js';
import { isObject, refusal } from '../../core/base/shown.js';
import { milliseconds, optionsOf } from '../arguments.js';
import { attachmentOf } from '../attachment.js';
import type { AttachedThread } from '../thread.js';
import { recoverWithin, STALL_MS } from './exit.js';
import { type RecoveredThread, workerAsked } from './recover.js';

/** What is used of `navigator.locks`. */
export interface LifeLocks {
  request(name: string, callback: () => Promise<void> | void): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

/** How long to try, and which Web Locks to ask. */
export interface RecoverAtReleaseOptions {
  /** As of `recoverAtExit`. Default: 10,000. */
  readonly stallMs?: number | undefined;
  /** Default: `navigator.locks`. */
  readonly locks?: LifeLocks | undefined;
}

/**
 * In a worker, before it attaches: holds a Web Lock until the worker ends. Resolves once it has it,
 * and then the worker says so to whoever calls `recoverAtRelease`. The name must be no other lock's
 * of this origin, in other windows of it too.
 */
export async function holdLifeLock(name: string, locks?: LifeLocks): Promise<void> {
  requireName(name, 'holdLifeLock');
  const found = locksOf(locks, 'holdLifeLock');
  await new Promise<void>((resolve, reject) => {
    const forLife = (): Promise<void> => {
      resolve();
      // Never over: the browser ends it together with the worker.
      return new Promise(() => {});
    };
    found.request(name, forLife).catch(reject);
  });
}

/**
 * Recovers what a worker leaves that holds the lock of this name for its life, once it is released:
 * to be called when the worker has said that it holds it. `worker` is the number that it gives to
 * `attach`. Resolves as `recoverAtExit` does. Rejects as that does, and with a `UsageError`,
 * nothing done, where nobody holds such a lock: a worker that is alive must not be recovered.
 */
export async function recoverAtRelease(
  thread: AttachedThread,
  worker: number,
  name: string,
  options: RecoverAtReleaseOptions = {},
): Promise<RecoveredThread[]> {
  const attachment = attachmentOf(thread, 'recoverAtRelease');
  const number = workerAsked(attachment, worker, 'recoverAtRelease');
  requireName(name, 'recoverAtRelease');
  const { stallMs, locks } = optionsOf(options, 'recoverAtRelease');
  const forMs = milliseconds(stallMs, STALL_MS, 'recoverAtRelease: stallMs');
  const found = locksOf(locks, 'recoverAtRelease');
  // A lock that nobody holds yet would be had at once, and the worker be taken for dead.
  const { held = [] } = await found.query();
  if (!held.some((lock) => lock.name === name)) throw notHeld(name);
  await found.request(name, () => {});
  return await recoverWithin(attachment, number, forMs);
}

function notHeld(name: string): UsageError {
  const todo = 'call it when the worker has said that it holds it, which holdLifeLock tells';
  return new UsageError(
    'no-life-lock',
    `recoverAtRelease: nobody holds the lock '${name}'; ${todo}`,
  );
}

function requireName(name: unknown, what: string): void {
  // Those that begin with a hyphen are the browser's own.
  if (typeof name === 'string' && name !== '' && !name.startsWith('-')) return;
  throw refusal(
    'bad-option',
    `${what}: name`,
    name,
    "it must be text that does not begin with '-'",
  );
}

function locksOf(given: unknown, what: string): LifeLocks {
  const { navigator } = globalThis as { navigator?: { locks?: unknown } };
  const locks = given === undefined ? navigator?.locks : given;
  const { request, query } = isObject(locks) ? (locks as Partial<LifeLocks>) : {};
  if (typeof request === 'function' && typeof query === 'function') return locks as LifeLocks;
  const allowed = 'it must be a LockManager, as navigator.locks; in Node, see recoverAtExit';
  throw refusal('no-locks', `${what}: locks`, locks, allowed);
}
