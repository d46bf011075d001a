/**
 * The ordinary ways of all operations, gone once before this JavaScript thread's first one.
 *
 * V8 compiles a function when it is first called, and where less than 40 KiB of stack are left it
 * throws `RangeError` instead. So a function that is first needed in the middle of an operation,
 * as the one that takes a page once no listed one is left, could end the operation with a lock
 * held. Here each has been called before, on a heap that nobody else has.
 */
import type * as units from '../core/base/units.js';
import { ownerOf } from '../core/frag/mm.js';
import { acquireWithin, release } from '../core/mem/lock.js';
import type { MmId } from './ids.js';
import type { HeapOptions } from './options.js';
import type { AttachedThread } from './thread.js';

/** A heap of two kinds: many fragments in a page, and a block of several pages. */
export const WARM_UP_HEAP: HeapOptions = {
  geometry: {
    name: 'warm-up',
    pageBytes: 4096,
    kinds: [
      { name: 'small', bytes: 128, perPage: 32, residueLow: 1 },
      { name: 'large', bytes: 8192, perPage: 1, order: 1 },
    ],
  },
  pages: 4,
  pagesMax: 5,
  threadsMax: 2,
  mmsMax: 1,
};

/** Takes and gives back everything that the heap above has. Leaves both threads detached. */
export function warmUp(thread: AttachedThread, other: AttachedThread): void {
  const mm = thread.createMm();
  const large = thread.allocTable(mm, thread.kind('large'));
  const tables: units.Word[] = [];
  for (;;) {
    const table = thread.tryAllocTable(mm);
    if (table === null) break;
    tables.push(table);
  }
  thread.pages();
  freeAround(thread, other, mm, tables);
  thread.freeTable(mm, large);
  thread.grow(1);
  thread.destroyMm(mm);
  // A page's callback asks for a second grace period; the mm's comes after both.
  for (let polls = 0; polls < POLLS; polls++) thread.poll();
  other.detach();
  thread.detach();
}

/** More than the grace periods that a page, and then its mm, may wait for. */
const POLLS = 6;

/** Frees before and while a grace period runs, with a lock that another thread has. */
function freeAround(
  thread: AttachedThread,
  other: AttachedThread,
  mm: MmId,
  tables: readonly units.Word[],
): void {
  const [first, ...rest] = tables as readonly [units.Word, ...units.Word[]];
  other.readLock();
  thread.freeTable(mm, first);
  // The grace period begins, and can't end before `other` leaves its section.
  thread.poll();
  for (const table of rest) thread.freeTable(mm, table);
  waitInVain(thread, other, mm);
  other.readUnlock();
}

/** Calls what waits for a lock, and what lets go of one that is waited for. */
function waitInVain(thread: AttachedThread, other: AttachedThread, mm: MmId): void {
  const holder = thread.attachment.operations.here();
  const waiter = other.attachment.operations.here();
  const lock = ownerOf(holder.heap, mm as units.MmId);
  acquireWithin(holder, lock, 0);
  acquireWithin(waiter, lock, 0);
  release(holder, lock);
}
