/// <reference lib="esnext.disposable" preserve="true" />
/**
 * An attached thread: what users call. Each method is one operation of the core, plus what the core
 * leaves to the edge: errors for what may happen, names for numbers, and polling now and then.
 *
 * It belongs to the JavaScript thread that made it; no other may call its methods.
 */
import { showAs } from '../core/base/shown.js';
import type { ThreadId, Word } from '../core/base/units.js';
import { CALLBACKS } from '../core/frag/callback.js';
import { destroyMm, tablesOf } from '../core/frag/mm.js';
import type { Thread } from '../core/mem/heap.js';
import type { SharedWords } from '../core/mem/memory.js';
import { growSupply, supplyCounts } from '../core/mem/supply.js';
import { detachThread } from '../core/rcu/attach.js';
import { poll, refuseInside } from '../core/rcu/callback.js';
import {
  isReading,
  leaveAllSections,
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '../core/rcu/reader.js';
import {
  POLL_EVERY,
  pollInterval,
  reclaim,
  resumeReclaimers,
  stopReclaimers,
} from '../core/rcu/reclaim.js';
import * as judges from './arguments.js';
import { ANY_COUNT, FINITE_COUNT, requireCore, requireFunction, wholeNumber } from './arguments.js';
import type { Attachment } from './attachment.js';
import { POLL_MAX, payOff } from './debts.js';
import type { KindId, MmId } from './ids.js';
import { atThreadEnd } from './leaving.js';
import type { ObtainAsyncOptions, ObtainOptions } from './obtain.js';
import { goneError, Operations } from './operation.js';
import { OPERATIONS } from './operations.js';
import { HeapReports } from './reports.js';
import { refuseAsync, type UnlessAsync } from './section.js';
import {
  allocTableAsyncBy,
  allocTableBy,
  createMmBy,
  freeTableBy,
  tryAllocTableBy,
} from './taking.js';
import { MmUsers } from './users.js';
import {
  BARRIER,
  GRACE_PERIOD,
  type WaitAsyncOptions,
  type WaitOptions,
  waitFor,
  waitForAsync,
} from './waiting.js';

/** Address of a table: the index of its first word in the heap. */
export type Table = Word;

// Consts of this module, as mem/layout.ts says: they are on every allocation's and free's way.
const requireMm: typeof judges.requireMm = judges.requireMm;

/** A thread in a heap. Only the JavaScript thread that called `attach` may call its methods. */
export class AttachedThread extends HeapReports {
  /** Number of this thread in its heap. */
  readonly id: ThreadId;
  /** Shared memory, by word: what is read and written in tables goes through it. */
  readonly memory: SharedWords;
  /** For the other entries of this package, as `ptfrag/pgtable`; of no use to others. */
  readonly attachment: Attachment;
  private readonly core: Thread;
  /** Frees and sections since the last poll, while callbacks may be pending. */
  private owed = 0;
  private readonly operations: Operations;
  private readonly users = new MmUsers();
  /** How operations in slices are cancelled that are not over yet. */
  private readonly cancels = new Set<(reason: Error) => void>();
  /** Says that the end of the JavaScript thread is none of ours any more. */
  private readonly stay: () => void;

  /** For this package: users call `attach`. */
  constructor(core: Thread) {
    requireCore(core);
    super(core.heap);
    const freed = (tables: number): void => this.freed(tables);
    const running = (cancel: (reason: Error) => void): (() => void) => {
      this.cancels.add(cancel);
      return () => void this.cancels.delete(cancel);
    };
    this.operations = new Operations(core);
    this.attachment = { operations: this.operations, users: this.users, freed, running };
    this.core = core;
    this.id = core.id;
    this.memory = core.mem;
    this.stay = atThreadEnd(() => this.leaveAtEnd());
    // Compiled from now on: who has room to enter a section has room to leave it.
    this.readLock();
    this.readUnlock();
    rcuOffline(core);
  }

  /**
   * Makes an address space. Blocks briefly, or up to `waitMs` for the record of one that was
   * destroyed. Throws `LimitError` when there are too many.
   */
  createMm(options?: ObtainOptions): MmId {
    return createMmBy(this.operations, options);
  }

  /** Ends an address space; `UsageError` while it has tables or users. See frag/mm.ts. */
  destroyMm(mm: MmId): void {
    requireMm(mm, 'destroyMm');
    this.operations.run(OPERATIONS.destroyMm, (core) => destroyMm(core, mm));
    this.freed(1);
  }

  /**
   * Keeps an mm that is not this thread's own from being destroyed, until `leaveMm` was called as
   * often, or the thread detaches.
   */
  enterMm(mm: MmId): void {
    requireMm(mm, 'enterMm');
    this.operations.run(OPERATIONS.enterMm, (core) => this.users.enter(core, mm));
  }

  leaveMm(mm: MmId): void {
    requireMm(mm, 'leaveMm');
    this.operations.run(OPERATIONS.leaveMm, (core) => this.users.leave(core, mm));
  }

  /** Live tables of an mm. */
  tablesOf(mm: MmId): number {
    requireMm(mm, 'tablesOf');
    return this.operations.run(OPERATIONS.tablesOf, (core) => tablesOf(core, mm));
  }

  /**
   * Allocates a table, empty. Blocks on short locks and, out of pages, up to `waitMs` for what was
   * freed. Throws `OutOfPagesError`, which says whether some pages only wait for a grace period;
   * `UsageError` for an mm that is not live; in debug heaps `WriteAfterFreeError`: call again then.
   */
  allocTable(mm: MmId, kind: KindId = 0, options?: ObtainOptions): Table {
    return allocTableBy(this.operations, mm, kind, options);
  }

  /** The same, with null for out of pages, and without waiting: it runs what is ripe. */
  tryAllocTable(mm: MmId, kind: KindId = 0): Table | null {
    return tryAllocTableBy(this.operations, mm, kind);
  }

  /** `allocTable` for a thread that must not block. Also throws the signal's reason. */
  async allocTableAsync(
    mm: MmId,
    kind: KindId = 0,
    options: ObtainAsyncOptions = {},
  ): Promise<Table> {
    return await allocTableAsyncBy(this.operations, mm, kind, options);
  }

  /**
   * Frees a table that nothing links to any more. It must be empty, but for the `slotBytes` of its
   * kind: a block of data may be full. Deferred: readers that are in it stay safe. Blocks on the
   * owner's lock. Throws `UsageError`, nothing changed, for misuse.
   */
  freeTable(mm: MmId, table: number): void {
    freeTableBy(this.operations, mm, table);
    this.freed(1);
  }

  /** Enters a read section: what is found linked inside stays until the section is left. */
  readLock(): void {
    rcuReadLock(this.operations.here());
  }

  readUnlock(): void {
    // After `detach` the record, and with it a section, may be another thread's.
    rcuReadUnlock(this.operations.here());
    // A thread that only reads owes nothing, and pays one comparison. Inside an outer section a
    // poll would be in vain: the grace periods that it waits for wait for this thread.
    if (this.owed > 0 && ++this.owed >= POLL_EVERY && !isReading(this.core)) this.tick();
  }

  /**
   * Runs `section` inside a read section, and returns what it returned. Pass a function that exists
   * once: closures cost 6 ns. The function must not be asynchronous, nor a generator: the compiler
   * refuses both. Where it can't tell, the function is called, and then `read` throws `UsageError`
   * `async-read`: what the function did up to its first `await` is done, and the rest of it runs
   * outside of a section.
   */
  read<Result, Section extends () => Result = () => Result>(
    section: Section & (() => Result) & UnlessAsync<Section>,
  ): Result {
    requireFunction(section, 'read: section', 'bad-section');
    let result: Result;
    this.readLock();
    try {
      result = section();
    } finally {
      this.readUnlock();
    }
    refuseAsync(result);
    return result;
  }

  /** qsbr: says that no reference from before is held. Call it often, outside of sections. */
  quiescent(): void {
    quiescent(this.operations.here());
  }

  /** qsbr: call before anything that blocks, and before returning to the event loop. */
  offline(): void {
    rcuOffline(this.operations.here());
  }

  online(): void {
    rcuOnline(this.operations.here());
  }

  /**
   * Advances grace periods and runs up to `max` ripe callbacks of this thread's queue, and as many
   * of one other's, each in turn; returns how many.
   */
  poll(max: number = POLL_MAX): number {
    const most = wholeNumber(max, ANY_COUNT, 'poll: max', 'bad-count');
    this.owed = 0;
    return this.operations.run(OPERATIONS.poll, (core) => poll(core, CALLBACKS, most));
  }

  private freed(tables: number): void {
    // The operation is over and holds no lock: here, and not inside of it, callbacks may run.
    this.owed += tables;
    if (this.owed >= POLL_EVERY) this.tick();
  }

  /** Progress without a thread of its own: every so often, a bounded piece of work. */
  private tick(): void {
    if (this.owed < pollInterval(this.heap)) return;
    // Out of stack the poll is put off: nobody has called it, so it must not throw for that.
    const ran = this.operations.runIfRoom(OPERATIONS.poll, payOff);
    // Where something ran more may be ripe, or be queued again: then the next sections count too.
    if (ran !== undefined) this.owed = ran > 0 ? 1 : 0;
  }

  /**
   * Waits for a grace period: every section entered before has been left when it returns. Blocks.
   * Throws `StallError` that names a reader after `stallMs`; `UsageError` inside a section, and on
   * a thread that may not sleep.
   */
  synchronize(options: WaitOptions = {}): void {
    waitFor(this.attachment, GRACE_PERIOD, options);
  }

  /** `synchronize` for a thread that must not block. Also throws the signal's reason. */
  async synchronizeAsync(options: WaitAsyncOptions = {}): Promise<void> {
    await waitForAsync(this.attachment, GRACE_PERIOD, options);
  }

  /** Waits until every callback queued before has run. Blocks. Throws as `synchronize` does. */
  barrier(options: WaitOptions = {}): void {
    waitFor(this.attachment, BARRIER, options);
  }

  /** `barrier` for a thread that must not block. */
  async barrierAsync(options: WaitAsyncOptions = {}): Promise<void> {
    await waitForAsync(this.attachment, BARRIER, options);
  }

  /**
   * Runs all threads' callbacks until `stopReclaimers` was called; returns how many. If it was
   * called before, this returns once nothing is left that may run now. Blocks.
   */
  reclaim(): number {
    return this.operations.run(OPERATIONS.reclaim, (core) => reclaim(core, CALLBACKS));
  }

  /**
   * Lets every `reclaim` return, also of threads that are not in there yet or have not attached:
   * in this heap none goes on until `resumeReclaimers`.
   */
  stopReclaimers(): void {
    stopReclaimers(this.operations.here().heap);
  }

  /**
   * Takes back `stopReclaimers`: whoever calls `reclaim` from now on goes on until the next. To be
   * called when those have returned that were stopped; one that has not seen the stop goes on.
   */
  resumeReclaimers(): void {
    resumeReclaimers(this.operations.here().heap);
  }

  /** Adds up to `pages` pages to the supply, to `pagesMax` at most; returns how many. */
  grow(pages: number): number {
    const more = wholeNumber(pages, FINITE_COUNT, 'grow: pages', 'bad-pages');
    return this.operations.run(OPERATIONS.grow, (core) => growSupply(core, more));
  }

  /** Pages that are free now and pages in all. */
  pages(): { readonly free: number; readonly limit: number } {
    return this.operations.run(OPERATIONS.pages, supplyCounts);
  }

  /**
   * Leaves the heap. Pending callbacks are run by other threads. Safe to call twice. Asynchronous
   * operations of this thread are cancelled: they leave what they leave when they are aborted, and
   * their promises reject with a `UsageError`. Throws `UsageError` inside a section,
   * and once an operation was broken off: the record then stays, with what it may hold.
   */
  detach(): void {
    const { operations } = this;
    if (operations.hasLeft) return;
    refuseInside(operations.here(), 'detach');
    for (const cancel of this.cancels) cancel(goneError(this.core));
    operations.run(OPERATIONS.detach, (core) => {
      this.users.leaveAll(core);
      detachThread(core);
    });
    // Only now: where detaching is refused, inside a section, the thread stays attached.
    operations.leave();
    this.stay();
  }

  /** What becomes of a thread that has not detached when its JavaScript thread ends. */
  private leaveAtEnd(): void {
    // Its record then still names it, where it may hold a lock.
    if (this.operations.isBrokenOff) return;
    // A section that is open is over: this thread reads nothing any more.
    leaveAllSections(this.core);
    this.detach();
  }

  [Symbol.dispose](): void {
    this.detach();
  }
}

showAs(AttachedThread.prototype, ({ id, geometry }) => `AttachedThread ${id} of ${geometry}`);
