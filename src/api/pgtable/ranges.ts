/**
 * Ranges: loops of the steps of src/core/pgtable, as generators (slices.ts). What is thrown into
 * one makes it undo what it did.
 */
import { LimitError, OutOfPagesError, UsageError } from '../../core/base/errors.js';
import type { MmId, Vpn, Word } from '../../core/base/units.js';
import { CALLBACKS } from '../../core/frag/callback.js';
import { createMm, destroyMm, tablesOf, usersOf } from '../../core/frag/mm.js';
import type { Thread } from '../../core/mem/heap.js';
import { supplyCounts } from '../../core/mem/supply.js';
import { depositTable, isLarge, split, withdrawTable } from '../../core/pgtable/collapse.js';
import { extentOf, forkStep, prepareStep } from '../../core/pgtable/fork.js';
import type { EntryFormat, Prot } from '../../core/pgtable/format.js';
import { reclaimEmpty } from '../../core/pgtable/install.js';
import { mapStep, protectStep, type Step, scanStep, unmapStep } from '../../core/pgtable/map.js';
import { endSpace, makeSpace, type Space, spaceOf, spanOf } from '../../core/pgtable/space.js';
import { countTables } from '../../core/pgtable/tree.js';
import { pollAll, retryWhileRipe } from '../../core/rcu/callback.js';
import { POLL_MAX } from '../attachment.js';
import { addressOf, type PageRange } from './address.js';
import { finish, type Work } from './slices.js';

/** Does again, after a poll, what found no page the first time; null or `no-page` if in vain. */
function withPages<Result>(thread: Thread, attempt: () => Result | null): Result | null {
  const first = attempt();
  if (first !== null) return first;
  // Every thread's queue. In vain, if readers hold up the grace period: to wait for them is for the
  // caller to decide.
  return retryWhileRipe(thread, CALLBACKS, POLL_MAX, attempt);
}

function outOfPages({ thread, mm }: Space, what: string): OutOfPagesError {
  return new OutOfPagesError(`${what} of mm ${mm}`, supplyCounts(thread).limit);
}

/** A step that needs pages. Throws `OutOfPagesError`; empty tables that it left are taken out. */
function stepWithPages(space: Space, vpn: Vpn, attempt: () => Step): Step {
  const step = withPages(space.thread, () => {
    const tried = attempt();
    return tried.kind === 'no-page' ? null : tried;
  });
  if (step !== null) return step;
  // Upper tables that the step linked before it ran out are empty, and keep pages for nothing.
  reclaimEmpty(space, vpn);
  throw outOfPages(space, 'page tables');
}

function pageAt(vpn: Vpn, offset: number): Vpn {
  return (vpn + offset) as Vpn;
}

/** An mm with an empty tree. Throws `LimitError` or `OutOfPagesError`, and there is no mm then. */
export function newSpace(thread: Thread, format: EntryFormat): Space {
  const mm = newMm(thread);
  const space = spaceOf(thread, format, mm);
  if (withPages(thread, () => makeSpace(space) || null) !== null) return space;
  // Not refused: the mm has no table, and nobody else knows it.
  destroyMm(thread, mm);
  throw outOfPages(space, 'a page table');
}

function newMm(thread: Thread): MmId {
  try {
    return createMm(thread);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    // Records of destroyed mms come back as pages do.
    pollAll(thread, CALLBACKS, POLL_MAX);
    return createMm(thread);
  }
}

/** Maps one page; false if something is mapped there. Throws `OutOfPagesError`. */
export function mapOne(space: Space, vpn: Vpn, address: number, prot: Prot): boolean {
  for (;;) {
    const step = stepWithPages(space, vpn, () => mapStep(space, vpn, 1, address, prot));
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
): Work<void> {
  // A look at all of it first, so that a mistake changes nothing. Who maps here between the look
  // and the change is found by the change, which undoes what it did.
  for (let seen = 0; seen < pages; ) {
    seen += pagesOrThrow(space, scanStep(space, pageAt(vpn, seen), pages - seen));
    yield 0;
  }
  const pageBytes = 2 ** space.format.pageShift;
  let done = 0;
  try {
    while (done < pages) {
      const from = pageAt(vpn, done);
      const first = address + done * pageBytes;
      const map = (): Step => mapStep(space, from, pages - done, first, prot);
      done += pagesOrThrow(space, stepWithPages(space, from, map));
      yield done;
    }
  } catch (error) {
    // Our own pages, `done` from the first on: small ones, so that to unmap them needs no page.
    finish(unmapPages(space, { vpn, pages: done }));
    throw error;
  }
}

function pagesOrThrow({ format }: Space, step: Step): number {
  if (step.kind === 'done') return step.pages;
  const where = step.kind === 'mapped' ? addressOf(format, step.vpn) : step.kind;
  throw new UsageError('already-mapped', `something is mapped at ${where} already`);
}

/** Returns how many pages were mapped. */
export function* unmapPages(space: Space, range: PageRange): Work<number> {
  return yield* changePages(space, range, unmapStep);
}

/** Returns how many pages were changed. */
export function* protectPages(space: Space, range: PageRange, prot: Prot): Work<number> {
  return yield* changePages(space, range, (within, vpn, count) =>
    protectStep(within, vpn, count, prot),
  );
}

/** Steps over all of a range. What can fail, the splits at its two ends, is done first. */
function* changePages(
  space: Space,
  { vpn, pages }: PageRange,
  take: (space: Space, vpn: Vpn, count: number) => Step,
): Work<number> {
  if (pages > 0) {
    splitEdge(space, vpn, vpn, pages);
    splitEdge(space, pageAt(vpn, pages - 1), vpn, pages);
  }
  let changed = 0;
  for (let done = 0; done < pages; ) {
    const step = take(space, pageAt(vpn, done), pages - done);
    if (step.kind === 'done') {
      done += step.pages;
      changed += step.changed;
    } else {
      // Another thread has collapsed it since the edges were split.
      splitLarge(space, pageAt(vpn, done));
    }
    yield done;
  }
  return changed;
}

/** Splits the large page at `vpn` if not all of it is meant. */
function splitEdge(space: Space, vpn: Vpn, begin: Vpn, pages: number): void {
  const span = spanOf(space.format, 1);
  const first = vpn - (vpn % span);
  const whole = first >= begin && first + span <= begin + pages;
  if (!whole && isLarge(space, vpn)) splitLarge(space, vpn);
}

/** Splits the large page at `vpn`; false if there is none. Throws `OutOfPagesError`. */
export function splitLarge(space: Space, vpn: Vpn): boolean {
  // The table first: what has begun to split must not run out of pages.
  const deposited: Word | null = withPages(space.thread, () => depositTable(space));
  if (deposited === null) throw outOfPages(space, 'a page table to split a large page');
  const done = split(space, vpn, deposited);
  if (!done) withdrawTable(space, deposited);
  return done;
}

/** Pages that `forkPages` says it has to do: it goes through the tree twice. */
export function forkTotal(parent: Space): number {
  return 2 * extentOf(parent);
}

/**
 * Gives a new mm the parent's mappings. The child's tables come first, so that running out of
 * pages leaves the parent as it was. Undone, the parent's pages that were shared stay read-only.
 */
export function* forkPages(parent: Space): Work<Space> {
  // As deep as the tree is now. What the parent maps beyond while this lasts is not the child's.
  const extent = extentOf(parent);
  const child = newSpace(parent.thread, parent.format);
  let begun = 0;
  try {
    for (const step of [prepareStep, forkStep]) {
      for (let done = 0; done < extent; ) {
        const vpn = done as Vpn;
        done += stepsOf(stepWithPages(child, vpn, () => step(parent, child, vpn, extent - vpn)));
        yield begun + done;
      }
      begun += extent;
    }
    return child;
  } catch (error) {
    // Nobody else knows the child: it can be ended, whatever it has by now.
    finish(endPages(child));
    throw error;
  }
}

/** Of steps that only run out of pages, which was thrown. */
function stepsOf(step: Step): number {
  return step.kind === 'done' ? step.pages : 0;
}

/** Refuses to end a space that others work on, or whose mm has tables of other use. */
export function requireEndable(space: Space): void {
  const { thread, mm } = space;
  const users = usersOf(thread, mm);
  if (users > 0) throw new UsageError('mm-in-use', `exit: mm ${mm} has ${users} users`);
  const others = tablesOf(thread, mm) - countTables(space);
  if (others === 0) return;
  throw new UsageError('mm-has-tables', `exit: ${others} tables of mm ${mm} are not the tree's`);
}

/** Unmaps everything, and ends space and mm. */
export function* endPages(space: Space): Work<void> {
  yield* unmapPages(space, { vpn: 0 as Vpn, pages: extentOf(space) });
  if (!endSpace(space)) {
    throw new UsageError('mm-in-use', `exit: mm ${space.mm} was worked on meanwhile`);
  }
  destroyMm(space.thread, space.mm);
}
