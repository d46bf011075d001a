/**
 * Ranges: loops of the steps of src/core/pgtable, as generators (slices.ts). What is thrown into
 * one makes it undo what it did.
 */
import { UsageError, WriteAfterFreeError } from '../../core/base/errors.js';
import type { Vpn, Word } from '../../core/base/units.js';
import { destroyMm, handOut, takeBack, tryCreateMm } from '../../core/frag/mm.js';
import type { Thread } from '../../core/mem/heap.js';
import { depositTable, isLarge, split, withdrawTable } from '../../core/pgtable/collapse.js';
import { extentOf, forkStep, prepareStep } from '../../core/pgtable/fork.js';
import type { EntryFormat, Prot } from '../../core/pgtable/format.js';
import { reclaimEmpty } from '../../core/pgtable/install.js';
import { mapStep, protectStep, type Step, scanStep, unmapStep } from '../../core/pgtable/map.js';
import {
  endSpace,
  makeSpace,
  noSpace,
  rootOf,
  type Space,
  spaceOf,
  spanOf,
} from '../../core/pgtable/space.js';
import { payerOf } from '../debts.js';
import {
  createMmAgain,
  finish,
  lookedAt,
  obtainWithin,
  throwOutOfPages,
  type Work,
} from '../obtain.js';
import { addressOf, type PageRange, pageAt } from './address.js';
import { againOn, ENDING, leftMapped, stalledWith, type Unfinished } from './unfinished.js';

/** How long a call may wait for pages; undefined: it was not asked to. */
type WaitMs = number | undefined;

/**
 * A step that found no page, once more, after what comes back. Throws `OutOfPagesError`; empty
 * tables that it left are taken out.
 */
function* stepAgain(space: Space, vpn: Vpn, waitMs: WaitMs, attempt: () => Step): Work<Step> {
  const { thread, mm } = space;
  const step = yield* obtainWithin(thread, waitMs, () => {
    const tried = attempt();
    return tried.kind === 'no-page' ? null : tried;
  });
  if (step !== null) return step;
  // Upper tables that the step linked before it ran out are empty, and keep pages for nothing.
  reclaimEmpty(space, vpn);
  return throwOutOfPages(thread, `page tables of mm ${mm}`);
}

/**
 * `mapStep` in a heap that may be a debug one: where an upper table was linked, and the memory of
 * the lower one turns out to have been written, the upper one is taken out again.
 */
function mapAt(space: Space, vpn: Vpn, pages: number, address: number, prot: Prot): Step {
  try {
    return mapStep(space, vpn, pages, address, prot);
  } catch (error) {
    if (error instanceof WriteAfterFreeError) reclaimEmpty(space, vpn);
    throw error;
  }
}

/** A space for the caller. Blocks, and throws, as newSpace. */
export function wholeSpace(thread: Thread, format: EntryFormat, waitMs: WaitMs): Space {
  const space = finish(thread, newSpace(thread, format, waitMs));
  handOut(thread, space.mm);
  return space;
}

/**
 * An mm with an empty tree, which is to be handed out. Throws `LimitError` or `OutOfPagesError`,
 * and there is no mm then.
 */
function* newSpace(thread: Thread, format: EntryFormat, waitMs: WaitMs): Work<Space> {
  // Two things may be missing, one after the other, and each may be waited for as long.
  const mm = tryCreateMm(thread, true) ?? (yield* createMmAgain(thread, waitMs, true));
  const space = spaceOf(thread, format, mm);
  try {
    const attempt = (): true | null => makeSpace(space) || null;
    if (attempt() ?? (yield* obtainWithin(thread, waitMs, attempt))) return space;
    return throwOutOfPages(thread, `a page table of mm ${mm}`);
  } catch (error) {
    // The wait may also have ended by an abort, or with the thread. This is not refused: the mm has
    // no table, and nobody else knows it.
    abandon(space);
    throw error;
  }
}

/** Ends the mm of a space that has no page tables, or none any more. */
function abandon({ thread, mm }: Space): void {
  try {
    destroyMm(thread, mm);
  } catch (error) {
    handOut(thread, mm);
    throw stalledWith(error, `mm ${mm} is left, without page tables: call destroyMm`);
  }
}

/** Maps one page; false if something is mapped there. Throws `OutOfPagesError`. */
export function mapOne(
  space: Space,
  vpn: Vpn,
  address: number,
  prot: Prot,
  waitMs: WaitMs,
): boolean {
  const map = (): Step => mapAt(space, vpn, 1, address, prot);
  for (;;) {
    let step = map();
    if (step.kind === 'no-page') step = finish(space.thread, stepAgain(space, vpn, waitMs, map));
    if (step.kind === 'mapped') return false;
    if (step.kind === 'done' && step.pages === 1) return true;
    // No page done: the table was taken out, as empty, before its lock was ours. Once more.
  }
}

/** Looks for mappings, then maps. Throws for a mapping or out of pages, and undoes what it did. */
export function* mapPages(
  space: Space,
  { vpn, pages }: PageRange,
  address: number,
  prot: Prot,
  waitMs: WaitMs,
): Work<void> {
  // A look at all of it first, so that a mistake changes nothing. Who maps here between the look
  // and the change is found by the change, which undoes what it did.
  for (let seen = 0; seen < pages; ) {
    seen += pagesOrThrow(space, scanStep(space, pageAt(vpn, seen), pages - seen));
    yield lookedAt(seen);
  }
  const pageBytes = 2 ** space.format.pageShift;
  const pay = payerOf(space.thread);
  let done = 0;
  try {
    while (done < pages) {
      const from = pageAt(vpn, done);
      const first = address + done * pageBytes;
      const map = (): Step => mapAt(space, from, pages - done, first, prot);
      // Nothing is undone before it is sure that no page comes back: a range is long.
      let step = map();
      if (step.kind === 'no-page') step = yield* stepAgain(space, from, waitMs, map);
      done += pagesOrThrow(space, step);
      // Between two steps no lock is held: here, and not inside of them, callbacks may run.
      pay();
      yield done;
    }
  } catch (error) {
    // Our own pages, `done` from the first on: small ones, so that to unmap them needs no page.
    const ours = { vpn, pages: done };
    finish(space.thread, changePages(space, ours, 0, unmapStep, leftMapped(space, ours)));
    throw error;
  }
}

function pagesOrThrow({ format }: Space, step: Step): number {
  if (step.kind === 'done') return step.pages;
  const where = step.kind === 'mapped' ? addressOf(format, step.vpn) : step.kind;
  throw new UsageError('already-mapped', `something is mapped at ${where} already`);
}

/** Returns how many pages were mapped. */
export function* unmapPages(space: Space, range: PageRange, waitMs: WaitMs): Work<number> {
  return yield* changePages(space, range, waitMs, unmapStep, againOn(space, range));
}

/** Returns how many pages were changed. */
export function* protectPages(
  space: Space,
  range: PageRange,
  prot: Prot,
  waitMs: WaitMs,
): Work<number> {
  const take = (within: Space, vpn: Vpn, count: number): Step =>
    protectStep(within, vpn, count, prot);
  return yield* changePages(space, range, waitMs, take, againOn(space, range));
}

/**
 * Steps over all of a range. What can fail, the splits at its two ends, is done first.
 */
function* changePages(
  space: Space,
  { vpn, pages }: PageRange,
  waitMs: WaitMs,
  take: (space: Space, vpn: Vpn, count: number) => Step,
  unfinished: Unfinished,
): Work<number> {
  const pay = payerOf(space.thread);
  let changed = 0;
  let done = 0;
  try {
    if (pages > 0) {
      yield* splitEdge(space, vpn, vpn, pages, waitMs);
      yield* splitEdge(space, pageAt(vpn, pages - 1), vpn, pages, waitMs);
    }
    while (done < pages) {
      const step = take(space, pageAt(vpn, done), pages - done);
      if (step.kind === 'done') {
        done += step.pages;
        changed += step.changed;
      } else {
        // Another thread has collapsed it since the edges were split.
        yield* splitLarge(space, pageAt(vpn, done), waitMs);
      }
      // What was freed so far comes back while the rest is done, and not at the end all at once.
      pay();
      yield done;
    }
  } catch (error) {
    throw stalledWith(error, unfinished(done));
  }
  return changed;
}

/** Splits the large page at `vpn` if not all of it is meant. */
function* splitEdge(space: Space, vpn: Vpn, begin: Vpn, pages: number, waitMs: WaitMs): Work<void> {
  const span = spanOf(space.format, 1);
  const first = vpn - (vpn % span);
  const whole = first >= begin && first + span <= begin + pages;
  if (!whole && isLarge(space, vpn)) yield* splitLarge(space, vpn, waitMs);
}

/** Splits the large page at `vpn`; false if there is none. Throws `OutOfPagesError`. */
export function* splitLarge(space: Space, vpn: Vpn, waitMs: WaitMs): Work<boolean> {
  const { thread, mm } = space;
  const attempt = (): Word | null => depositTable(space);
  // The table first: what has begun to split must not run out of pages.
  const deposited = attempt() ?? (yield* obtainWithin(thread, waitMs, attempt));
  if (deposited === null) {
    return throwOutOfPages(thread, `a page table of mm ${mm} to split a large page`);
  }
  let done = false;
  try {
    done = split(space, vpn, deposited);
  } finally {
    // Also where a lock was waited for in vain.
    if (!done) withdrawTable(space, deposited);
  }
  return done;
}

/** All that a space's tree maps now. `forkPages` goes through it twice. */
export function wholeOf(space: Space): PageRange {
  return { vpn: 0 as Vpn, pages: extentOf(space) };
}

/**
 * Gives a new mm the parent's mappings. The child's tables come first, so that running out of
 * pages leaves the parent as it was. Undone, the parent's pages that were shared stay read-only.
 */
export function* forkPages(
  parent: Space,
  waitMs: WaitMs,
  onMade: (child: Space) => void = () => {},
): Work<Space> {
  const { thread, format } = parent;
  // As deep as the tree is now. What the parent maps beyond while this lasts is not the child's.
  const extent = extentOf(parent);
  const child = yield* newSpace(thread, format, waitMs);
  const pay = payerOf(thread);
  let begun = 0;
  try {
    // A step of its own: which locks the child's tables take is known only now.
    onMade(child);
    yield lookedAt(0);
    for (const step of [prepareStep, forkStep]) {
      for (let done = 0; done < extent; ) {
        const vpn = done as Vpn;
        const take = (): Step => step(parent, child, vpn, extent - vpn);
        let taken = take();
        if (taken.kind === 'no-page') taken = yield* stepAgain(child, vpn, waitMs, take);
        done += stepsOf(taken);
        pay();
        yield begun + done;
      }
      begun += extent;
    }
    handOut(thread, child.mm);
    return child;
  } catch (error) {
    // Nobody else knows the child: it can be ended, whatever it has by now.
    undoFork(child);
    throw error;
  }
}

function undoFork(child: Space): void {
  try {
    finish(child.thread, endPages(child));
  } catch (error) {
    handOut(child.thread, child.mm);
    throw stalledWith(error, `the child, mm ${child.mm}, is left: end it by openSpace`);
  }
}

/** Of steps that only run out of pages, which was thrown. */
function stepsOf(step: Step): number {
  return step.kind === 'done' ? step.pages : 0;
}

/** Throws `UsageError` for an mm that has no tree of tables. */
export function requireTree(space: Space): Space {
  if (rootOf(space) === 0) throw noSpace(space);
  return space;
}

/** Unmaps everything, and ends space and mm; `leave` is called between the two. */
export function* endPages(space: Space, leave: (thread: Thread) => void = () => {}): Work<void> {
  const { thread, mm } = space;
  takeBack(thread, mm);
  try {
    // All of it: no large page needs to be split, so nothing has to be waited for.
    yield* changePages(space, wholeOf(space), 0, unmapStep, ENDING);
    leave(thread);
    if (!endTree(space)) {
      throw new UsageError('mm-in-use', `exit: mm ${mm} was worked on meanwhile`);
    }
  } catch (error) {
    // Aborted, too: what is left of it can be used, and ended, by anybody.
    handOut(thread, mm);
    throw error;
  }
  abandon(space);
}

function endTree(space: Space): boolean {
  try {
    return endSpace(space);
  } catch (error) {
    const rest = `mm ${space.mm} has no page tables any more: free that one, and call destroyMm`;
    throw stalledWith(error, rest);
  }
}
