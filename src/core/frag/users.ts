/**
 * Users of an mm: threads that work on an mm which isn't their own, so that it can't be ended under
 * them. A set of threads (mem/thread-set.ts): a thread is in it or not, and one that died is taken
 * out by whoever recovers what it left.
 */
import { UsageError } from '../base/errors.js';
import type { MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { mmRecord, mmRecordAt, mmsHigh, type Thread } from '../mem/heap.js';
import { MM } from '../mem/layout.js';
import { release } from '../mem/lock.js';
import { addThread, countThreads, hasThread, removeThread } from '../mem/thread-set.js';
import { lockMm } from './mm.js';

function usersWord(record: Word): Word {
  return at(record, MM.USERS);
}

/** Threads that are in an mm by `enterMm`. Throws `UsageError` if the mm is not live. */
export function usersOf(thread: Thread, mm: MmId): number {
  const { heap } = thread;
  const owner = lockMm(thread, mm);
  const users = countThreads(heap, usersWord(mmRecord(heap, mm)));
  release(thread, owner);
  return users;
}

/**
 * Makes this thread a user of an mm that isn't its own: until `leaveMm` the mm can't be destroyed.
 * It is one once, however often it enters. Throws `UsageError` if the mm is not live.
 */
export function enterMm(thread: Thread, mm: MmId): void {
  const { heap, mem, id } = thread;
  const owner = lockMm(thread, mm);
  addThread(mem, usersWord(mmRecord(heap, mm)), id);
  release(thread, owner);
}

/** Undoes `enterMm`. Throws `UsageError` if this thread is no user. */
export function leaveMm(thread: Thread, mm: MmId): void {
  const { heap, mem, id } = thread;
  const owner = lockMm(thread, mm);
  const users = usersWord(mmRecord(heap, mm));
  const isUser = hasThread(mem, users, id);
  if (isUser) removeThread(mem, users, id);
  release(thread, owner);
  if (!isUser) throw new UsageError('not-a-user', `thread ${id} is not a user of mm ${mm}`);
}

/** A dead thread leaves each mm that it entered. Takes no lock: nobody else changes its bit. */
export function leaveAllMms({ heap, mem, id }: Thread): void {
  const high = mmsHigh(heap);
  for (let index = 0; index < high; index++) {
    const users = usersWord(mmRecordAt(heap, index));
    if (hasThread(mem, users, id)) removeThread(mem, users, id);
  }
}
