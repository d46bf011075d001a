/// <reference lib="esnext.disposable" preserve="true" />
/**
 * An attached thread: what users call. Each method is one operation of the core, plus what the core
 * leaves to the edge: errors for what may happen, names for numbers, and polling now and then.
 *
 * It belongs to the JavaScript thread that made it; no other may call its methods.
 */
import { UsageError } from '../core/base/errors.js';
import { showAs } from '../core/base/shown.js';
import type { KindId, MmId, ThreadId, Word } from '../core/base/units.js';
import { allocTable } from '../core/frag/alloc.js';
import { CALLBACKS } from '../core/frag/callback.js';
import { freeTable } from '../core/frag/free.js';
import { destroyMm, enterMm, leaveMm, tablesOf, tryCreateMm } from '../core/frag/mm.js';
import type { Thread } from '../core/mem/heap.js';
import type { SharedWords } from '../core/mem/memory.js';
import { growSupply, supplyCounts } from '../core/mem/supply.js';
import { detachThread } from '../core/rcu/attach.js';
import { poll } from '../core/rcu/callback.js';
import {
  isReading,
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
  refuseReader,
} from '../core/rcu/reader.js';
import { POLL_EVERY, pollInterval, reclaim, stopReclaimers } from '../core/rcu/reclaim.js';
import * as judges from './arguments.js';
import { ANY_COUNT, FINITE_COUNT, requireCore, requireFunction, wholeNumber } from './arguments.js';
import type { Attachment } from './attachment.js';
import { POLL_MAX, payOff } from './debts.js';
import {
  allocAgain,
  createMmAgain,
  finish,
  noTable,
  type ObtainAsyncOptions,
  type ObtainOptions,
  obtainAsync,
  waitAsked,
} from './obtain.js';
import { HeapReports } from './reports.js';
import { refuseAsync, type UnlessAsync } from './section.js';
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
const { requireKind, requireMm, requireTable } = judges;

const ALLOC_ASYNC = 'allocTableAsync';

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
  private attached = true;
  /** How operations in slices are cancelled that are not over yet. */
  private readonly cancels = new Set<(reason: Error) => void>();

  /** For this package: users call `attach`. */
  constructor(core: Thread) {
    requireCore(core);
    super(core.heap);
    const freed = (tables: number): void => this.freed(tables);
    const running = (cancel: (reason: Error) => void): (() => void) => {
      this.cancels.add(cancel);
      return () => void this.cancels.delete(cancel);
    };
    this.attachment = { here: () => this.here(), freed, running };
    this.core = core;
    this.id = core.id;
    this.memory = core.mem;
  }

  /**
   * Makes an address space. Blocks briefly, or up to `waitMs` for the record of one that was
   * destroyed. Throws `LimitError` when there are too many.
   */
  createMm(options?: ObtainOptions): MmId {
    const core = this.here();
    const waitMs = waitAsked(core, 'createMm', options);
    return tryCreateMm(core) ?? finish(core, createMmAgain(core, waitMs));
  }

  /** Ends an address space; `UsageError` while it has tables or users. See frag/mm.ts. */
  destroyMm(mm: MmId): void {
    requireMm(mm, 'destroyMm');
    destroyMm(this.here(), mm);
    this.freed(1);
  }

  /** Keeps an mm that is not this thread's own from being destroyed until `leaveMm`. */
  enterMm(mm: MmId): void {
    requireMm(mm, 'enterMm');
    enterMm(this.here(), mm);
  }

  leaveMm(mm: MmId): void {
    requireMm(mm, 'leaveMm');
    leaveMm(this.here(), mm);
  }

  /** Live tables of an mm. */
  tablesOf(mm: MmId): number {
    requireMm(mm, 'tablesOf');
    return tablesOf(this.here(), mm);
  }

  /**
   * Allocates a table, empty. Blocks on short locks and, out of pages, up to `waitMs` for what was
   * freed. Throws `OutOfPagesError`, which says whether some pages only wait for a grace period;
   * `UsageError` for an mm that is not live; in debug heaps `WriteAfterFreeError`: call again then.
   */
  allocTable(mm: MmId, kind: KindId = 0 as KindId, options?: ObtainOptions): Table {
    requireMm(mm, 'allocTable');
    requireKind(kind, 'allocTable');
    const core = this.here();
    // Judged first: else a mistake would show only once pages run out.
    const waitMs = waitAsked(core, 'allocTable', options, ALLOC_ASYNC);
    return allocTable(core, mm, kind) ?? allocAgain(core, mm, kind, waitMs) ?? noTable(core, mm);
  }

  /** The same, with null for out of pages, and without waiting: it runs what is ripe. */
  tryAllocTable(mm: MmId, kind: KindId = 0 as KindId): Table | null {
    requireMm(mm, 'tryAllocTable');
    requireKind(kind, 'tryAllocTable');
    const core = this.here();
    return allocTable(core, mm, kind) ?? allocAgain(core, mm, kind, 0);
  }

  /** `allocTable` for a thread that must not block. Also throws the signal's reason. */
  async allocTableAsync(
    mm: MmId,
    kind: KindId = 0 as KindId,
    options: ObtainAsyncOptions = {},
  ): Promise<Table> {
    requireMm(mm, ALLOC_ASYNC);
    requireKind(kind, ALLOC_ASYNC);
    const attempt = (): Table | null => allocTable(this.core, mm, kind);
    const table = await obtainAsync(this.attachment, ALLOC_ASYNC, options, attempt);
    return table ?? noTable(this.core, mm);
  }

  /**
   * Frees a table that nothing links to any more. It must be empty, but for the `slotBytes` of its
   * kind: a block of data may be full. Deferred: readers that are in it stay safe. Blocks on the
   * owner's lock. Throws `UsageError`, nothing changed, for misuse.
   */
  freeTable(mm: MmId, table: number): void {
    requireMm(mm, 'freeTable');
    requireTable(table, 'freeTable');
    freeTable(this.here(), mm, table as Word);
    this.freed(1);
  }

  /** Enters a read section: what is found linked inside stays until the section is left. */
  readLock(): void {
    rcuReadLock(this.here());
  }

  readUnlock(): void {
    // After `detach` the record, and with it a section, may be another thread's.
    rcuReadUnlock(this.here());
    // A thread that only reads owes nothing, and pays one comparison. Inside an outer section a
    // poll would be in vain: the grace periods that it waits for wait for this thread.
    if (this.owed > 0 && ++this.owed >= POLL_EVERY && !isReading(this.core)) this.tick();
  }

  /**
   * Runs `section` inside a read section, and returns what it returned. Pass a function that exists
   * once: closures cost 6 ns. The function must not be asynchronous: the compiler refuses it. Where
   * the compiler can't tell, it is called, and then `read` throws `UsageError` `async-read`: what
   * the function did up to its first `await` is done, and the rest of it runs outside of a section.
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
    quiescent(this.here());
  }

  /** qsbr: call before anything that blocks, and before returning to the event loop. */
  offline(): void {
    rcuOffline(this.here());
  }

  online(): void {
    rcuOnline(this.here());
  }

  /**
   * Advances grace periods and runs up to `max` ripe callbacks of this thread's queue, and as many
   * of one other's, each in turn; returns how many.
   */
  poll(max: number = POLL_MAX): number {
    const most = wholeNumber(max, ANY_COUNT, 'poll: max', 'bad-count');
    this.owed = 0;
    return poll(this.here(), CALLBACKS, most);
  }

  private freed(tables: number): void {
    // The operation is over and holds no lock: here, and not inside of it, callbacks may run.
    this.owed += tables;
    if (this.owed >= POLL_EVERY) this.tick();
  }

  /** Progress without a thread of its own: every so often, a bounded piece of work. */
  private tick(): void {
    if (this.owed < pollInterval(this.heap)) return;
    // Where something ran more may be ripe, or be queued again: then the next sections count too.
    this.owed = payOff(this.core) > 0 ? 1 : 0;
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

  /** Runs all threads' callbacks until `stopReclaimers` is called; returns how many. Blocks. */
  reclaim(): number {
    return reclaim(this.here(), CALLBACKS);
  }

  /**
   * Lets every thread that is in `reclaim` return, and those that are attached and not in there
   * yet. A worker that is still starting is not attached: wait until it says that it is.
   */
  stopReclaimers(): void {
    stopReclaimers(this.here().heap);
  }

  /** Adds up to `pages` pages to the supply, to `pagesMax` at most; returns how many. */
  grow(pages: number): number {
    return growSupply(this.here(), wholeNumber(pages, FINITE_COUNT, 'grow: pages', 'bad-pages'));
  }

  /** Pages that are free now and pages in all. */
  pages(): { readonly free: number; readonly limit: number } {
    return supplyCounts(this.here());
  }

  /**
   * Leaves the heap. Pending callbacks are run by other threads. Safe to call twice. Asynchronous
   * operations of this thread are cancelled: they leave what they leave when they are aborted, and
   * their promises reject with a `UsageError`. Throws `UsageError` inside a section.
   */
  detach(): void {
    if (!this.attached) return;
    refuseReader(this.core, 'detach');
    for (const cancel of this.cancels) cancel(this.gone());
    detachThread(this.core);
    // Only now: where detaching is refused, inside a section, the thread stays attached.
    this.attached = false;
  }

  [Symbol.dispose](): void {
    this.detach();
  }

  private here(): Thread {
    if (this.attached) return this.core;
    throw this.gone();
  }

  private gone(): UsageError {
    return new UsageError('detached', `thread ${this.id} has left the heap`);
  }
}

showAs(AttachedThread.prototype, ({ id, geometry }) => `AttachedThread ${id} of ${geometry}`);
