/**
 * An address space as a thread has it: what users call. Steps are in src/core/pgtable, ranges of
 * them in ranges.ts; here are the checks of what was given, the errors, and polling.
 *
 * Every operation may run while other threads work on the same space, but `exit` and `dumpImage`.
 * A range is not atomic: what it undoes, on failing, are its pages, so nobody else should map,
 * unmap or change the same ones meanwhile.
 */
import { UsageError } from '../../core/base/errors.js';
import { showAs } from '../../core/base/shown.js';
import type { Vpn, Word } from '../../core/base/units.js';
import type { Violation } from '../../core/frag/check.js';
import { collapse, isLarge } from '../../core/pgtable/collapse.js';
import type { Prot } from '../../core/pgtable/format.js';
import type { Image } from '../../core/pgtable/image.js';
import { lockInTheWay } from '../../core/pgtable/lock.js';
import { ending, noSpace, type Space, WORD_VALUES } from '../../core/pgtable/space.js';
import { type Tlb, walkCached, walkCachedAddress } from '../../core/pgtable/tlb.js';
import { checkTree } from '../../core/pgtable/tree.js';
import { NOT_MAPPED } from '../../core/pgtable/walk.js';
import { isReading } from '../../core/rcu/reader.js';
import type { Attachment } from '../attachment.js';
import type { MmId } from '../ids.js';
import { finish, type ObtainOptions, type Work, waitAsked } from '../obtain.js';
import { lookFailed, type Operation } from '../operation.js';
import { OPERATIONS } from '../operations.js';
import {
  type Address,
  firstPageOf,
  framesOf,
  largePageOf,
  numberEnd,
  type PageRange,
  pageOf,
  rangeOf,
  requireFrames,
  requireProt,
} from './address.js';
import { type ImageOptions, imageOf } from './image.js';
import {
  endPages,
  forkPages,
  mapOne,
  mapPages,
  protectPages,
  requireTree,
  splitLarge,
  unmapPages,
} from './ranges.js';
import { finishAsUser, type RangeOptions, rangeOptionsOf, tablesFor } from './slices.js';
import { attachmentOf, noTlb, ThreadTlb } from './tlb.js';
import { isAddress, walkTo } from './walking.js';
import { exitInSlices, forkInSlices, requireEndable } from './whole.js';

/** An address space, as the thread has it that made or opened it. */
export class AddressSpace {
  readonly mm: MmId;
  readonly pageBytes: number;
  private readonly attachment: Attachment;
  private readonly space: Space;
  private readonly numberEnd: number;
  /** `ending`: an exit in slices is under way. */
  private state: 'open' | 'ending' | 'ended' = 'open';

  constructor(attachment: Attachment, space: Space) {
    this.attachment = attachment;
    this.space = space;
    this.mm = space.mm;
    this.pageBytes = 2 ** space.format.pageShift;
    this.numberEnd = numberEnd(space.format);
  }

  /**
   * Maps a page to the frame at physical `address`. False, and nothing has changed, if something is
   * mapped there: a fault that another thread was faster to handle. Throws `OutOfPagesError`. What
   * takes `options` waits up to `waitMs` for page tables, as `allocTable` does.
   */
  mapPage(va: Address, address: number, prot: Prot, options?: ObtainOptions): boolean {
    const space = this.live();
    const vpn = firstPageOf(space.format, va);
    requireFrames(space.format, address, 1);
    requireProt(prot);
    const waitMs = waitAsked(space.thread, 'mapPage', options);
    return this.run(OPERATIONS.mapPage, () => mapOne(space, vpn, address, prot, waitMs));
  }

  /**
   * Maps a range of pages to the frames from physical `address` on. Throws `UsageError` if
   * something is mapped there, `OutOfPagesError`; nothing has changed then.
   */
  mapRange(
    va: Address,
    bytes: Address,
    address: number,
    prot: Prot,
    options?: ObtainOptions,
  ): void {
    const space = this.live();
    const range = framesOf(this.space.format, va, bytes, address, prot);
    const waitMs = waitAsked(space.thread, 'mapRange', options, 'mapRangeAsync');
    this.finish(OPERATIONS.mapRange, mapPages(space, range, address, prot, waitMs));
  }

  /** As `mapRange`. Aborted, nothing has changed. */
  async mapRangeAsync(
    va: Address,
    bytes: Address,
    address: number,
    prot: Prot,
    options: RangeOptions = {},
  ): Promise<void> {
    const given = rangeOptionsOf(options, 'mapRangeAsync');
    const range = framesOf(this.space.format, va, bytes, address, prot);
    const work = mapPages(this.live(), range, address, prot, given.waitMs);
    await this.inSlices(OPERATIONS.mapRange, work, range, given);
  }

  /**
   * Unmaps a range, holes and all; returns how many pages were mapped. Tables that become empty are
   * freed. A frame may be given to others a grace period later. Throws `OutOfPagesError`, nothing
   * changed, if a large page must be split for it and there is no page for a table; `StallError`,
   * whose `unfinished` says how far it got.
   */
  unmapRange(va: Address, bytes: Address, options?: ObtainOptions): number {
    const space = this.live();
    const range = rangeOf(space.format, va, bytes);
    const waitMs = waitAsked(space.thread, 'unmapRange', options, 'unmapRangeAsync');
    const count = this.finish(OPERATIONS.unmapRange, unmapPages(space, range, waitMs));
    this.attachment.freed(tablesFor(space, count));
    return count;
  }

  /** As `unmapRange`. Aborted, what was done stays done: the first pages of the range. */
  async unmapRangeAsync(va: Address, bytes: Address, options: RangeOptions = {}): Promise<number> {
    const given = rangeOptionsOf(options, 'unmapRangeAsync');
    const space = this.live();
    const range = rangeOf(space.format, va, bytes);
    const work = unmapPages(space, range, given.waitMs);
    return await this.inSlices(OPERATIONS.unmapRange, work, range, given);
  }

  /**
   * Changes what the mapped pages of a range allow; returns how many there are. Of `prot` read,
   * write and exec count: what was done to a page (young, dirty) stays. On x86-64 a walk may find
   * nothing for an instant where exec changes (see `collapse`). Throws as `unmapRange`.
   */
  protect(va: Address, bytes: Address, prot: Prot, options?: ObtainOptions): number {
    const space = this.live();
    requireProt(prot);
    const range = rangeOf(space.format, va, bytes);
    const waitMs = waitAsked(space.thread, 'protect', options, 'protectAsync');
    return this.finish(OPERATIONS.protect, protectPages(space, range, prot, waitMs));
  }

  /** As `protect`. Aborted, what was done stays done. */
  async protectAsync(
    va: Address,
    bytes: Address,
    prot: Prot,
    options: RangeOptions = {},
  ): Promise<number> {
    const given = rangeOptionsOf(options, 'protectAsync');
    const space = this.live();
    requireProt(prot);
    const range = rangeOf(space.format, va, bytes);
    const work = protectPages(space, range, prot, given.waitMs);
    return await this.inSlices(OPERATIONS.protect, work, range, given);
  }

  /**
   * The frame that an address is mapped to and what that allows, packed (`frameOf`, `protOf`), or
   * NOT_MAPPED. Inside `readLock`; the frame is good until `readUnlock`, if whoever unmaps waits
   * for a grace period before it gives the frame to another. No lock is taken. Nothing may be found
   * for an instant while a mapped page changes, on some architectures: see `collapse`, `protect`.
   */
  walk(va: Address): number {
    const space = this.readable('walk');
    const found = walkTo(space, va, this.numberEnd);
    // Where a tree has ended nothing is found: so it is asked for there alone, not at every hit.
    if (found === NOT_MAPPED) requireTree(space);
    return found;
  }

  /** As `walk`, by way of a TLB of this thread. `UsageError` for another thread's, or heap's. */
  walkCached(tlb: Tlb, va: Address): number {
    if (attachmentOf(tlb) !== this.attachment) throw noTlb(tlb);
    const space = this.readable('walkCached');
    // In line: called as `walkTo` is, it would cost a fifth of a translation that is found.
    try {
      const found = isAddress(va, this.numberEnd)
        ? walkCachedAddress(space, tlb, va | 0, (va / WORD_VALUES) | 0)
        : walkCached(space, tlb, pageOf(space.format, va));
      if (found === NOT_MAPPED) requireTree(space);
      return found;
    } catch (error) {
      throw lookFailed(error);
    }
  }

  /** A TLB of so many slots, a power of two, for all spaces that this thread has in its heap. */
  createTlb(slots: number): Tlb {
    return new ThreadTlb(slots, this.attachment);
  }

  /**
   * A new space with the same mappings, in which nobody may write, as now in this one: the first
   * write to a page is a fault, and its handler copies the frame. Throws `LimitError` or
   * `OutOfPagesError`; nothing has changed then.
   */
  fork(options?: ObtainOptions): AddressSpace {
    const space = this.live();
    const work = forkPages(space, waitAsked(space.thread, 'fork', options, 'forkAsync'));
    return new AddressSpace(this.attachment, this.finish(OPERATIONS.fork, work));
  }

  /** As `fork`. Aborted, there is no child, but pages of this space may have become read-only. */
  async forkAsync(options: RangeOptions = {}): Promise<AddressSpace> {
    const given = rangeOptionsOf(options, 'forkAsync');
    const child = await forkInSlices(this.attachment, this.live(), given);
    return new AddressSpace(this.attachment, child);
  }

  /**
   * Makes a table of small pages one large page at physical `address`; false, and nothing has
   * changed, if there is no such table. The caller has copied the frames' contents. No page is
   * needed for it. On powerpc, and on x86-64 if `prot` is without exec, a walk may find nothing for
   * an instant: to whoever then calls `mapPage` it says that the page is mapped.
   */
  collapse(va: Address, address: number, prot: Prot): boolean {
    const space = this.live();
    requireProt(prot);
    const vpn = largePageOf(space.format, va, address);
    const done = this.run(OPERATIONS.collapse, () => collapse(space, vpn, address, prot));
    // Also where there was no table: the next poll comes a little early then.
    this.attachment.freed(1);
    return done;
  }

  /**
   * Makes a large page a table of small ones that map its parts; false if no large page is mapped
   * there. `unmapRange` and `protect` do so by themselves. Throws `OutOfPagesError`. A walk may
   * find nothing for an instant, where it may in `collapse`.
   */
  split(va: Address, options?: ObtainOptions): boolean {
    const space = this.live();
    const vpn = pageOf(space.format, va);
    const waitMs = waitAsked(space.thread, 'split', options);
    if (!this.run(OPERATIONS.split, () => isLarge(space, vpn))) return false;
    return this.finish(OPERATIONS.split, splitLarge(space, vpn, waitMs));
  }

  /**
   * Unmaps everything and ends space and mm. Nobody else may work on it. Throws `UsageError`,
   * nothing changed, while others are counted in (`enterMm`) or the mm has tables of other use.
   */
  exit(): void {
    const space = this.live();
    // Counted now: afterwards there is no mm to ask.
    const tables = this.run(OPERATIONS.exit, () => requireEndable(space));
    this.finish(OPERATIONS.exit, endPages(space));
    // Only now: where it was refused the space can be used on.
    this.state = 'ended';
    this.attachment.freed(tables);
  }

  /** As `exit`. Aborted, some pages are unmapped, and the space is still there. */
  async exitAsync(options: RangeOptions = {}): Promise<void> {
    const given = rangeOptionsOf(options, 'exitAsync');
    let isBegun = false;
    const onBegun = (): void => {
      isBegun = true;
      // Whoever uses this handle from now on would work on a space that is ending.
      this.state = 'ending';
    };
    try {
      await exitInSlices(this.attachment, this.live(), given, onBegun);
      this.state = 'ended';
    } catch (error) {
      // A second one, refused, changes nothing for the first.
      if (isBegun) this.state = 'open';
      throw error;
    }
  }

  /** The tree as the architecture's MMU reads it from memory. Nobody may work on it meanwhile. */
  dumpImage(options: ImageOptions = {}): Image {
    return this.attachment.operations.look(() => imageOf(this.live(), options));
  }

  /** What is wrong with the tree; [] if nothing is. Nobody may work on it meanwhile. */
  check(): Violation[] {
    return this.attachment.operations.look(() => checkTree(this.live()));
  }

  private async inSlices<Result>(
    operation: Operation,
    work: Work<Result>,
    range: PageRange,
    options: RangeOptions,
  ): Promise<Result> {
    const { attachment, space } = this;
    const maps = operation === OPERATIONS.mapRange;
    const inTheWay = (vpn: Vpn): Word | 0 => lockInTheWay(space, vpn, maps);
    const how = { attachment, operation, space, range, total: range.pages, inTheWay };
    return await finishAsUser(work, { ...options, ...how });
  }

  private run<Result>(operation: Operation, work: () => Result): Result {
    return this.attachment.operations.run(operation, work);
  }

  private finish<Result>(operation: Operation, work: Work<Result>): Result {
    return this.run(operation, () => finish(this.space.thread, work));
  }

  /** Refuses where the thread's stay has ended, or this handle; its record is another's then. */
  private requireOpen(): void {
    this.attachment.operations.here();
    if (this.state === 'ended') throw noSpace(this.space);
    if (this.state === 'ending') throw ending(this.space);
  }

  private live(): Space {
    this.requireOpen();
    return requireTree(this.space);
  }

  private readable(what: string): Space {
    this.requireOpen();
    if (isReading(this.space.thread)) return this.space;
    throw new UsageError('not-reading', `${what} outside of a read section: call readLock first`);
  }
}

showAs(AddressSpace.prototype, ({ mm }) => `AddressSpace of mm ${mm}`);
