/**
 * Fork and exit: a copy of a tree, and taking one down.
 *
 * Fork maps every page of the parent in the child too, and lets neither write it: copy-on-write.
 * The first write to such a page is a fault, and whoever handles it copies the frame. Which pages
 * are shared, and how often, is for whoever has the frames to count.
 */
import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { release } from '../mem/lock.js';
import { enterBriefly, leaveBriefly } from '../rcu/reader.js';
import { changeEntry, ENTRY_WORDS, lowWord, setEntry } from './entry.js';
import { frameAddress, isLeaf, PROT, PTE } from './format.js';
import { installTables, reclaimEmpty } from './install.js';
import { findTable, type Locked, lockLowest, tableLock } from './lock.js';
import { pagesIn, type Step } from './map.js';
import { depthOf, entryFor, levelOf, pagesOf, rootOf, type Space, spanOf } from './space.js';
import { flush } from './tlb.js';

/** What the parent has from a page on, and for how far; `ready`: the child has tables for it. */
type Prepared =
  | { readonly kind: 'ready' | 'hole'; readonly number: number; readonly pages: number }
  | { readonly kind: 'no-page' };

/**
 * Gives the child the tables that it needs for what is mapped in the parent from `vpn` on, as far
 * as one table of the parent goes. Copies nothing, so that a fork can run out of pages before it
 * has changed its parent. Blocks and context as forkStep.
 */
export function prepareStep(parent: Space, child: Space, vpn: Vpn, count: number): Step {
  const prepared = prepare(parent, child, vpn, count);
  if (prepared.kind === 'no-page') return prepared;
  return { kind: 'done', pages: prepared.pages, changed: 0 };
}

function prepare(parent: Space, child: Space, vpn: Vpn, count: number): Prepared {
  const { thread } = parent;
  const probe = lockLowest(parent, vpn);
  if (probe === null) return { kind: 'hole', number: PTE, pages: count };
  const { number } = probe;
  const pages = pagesIn(parent, probe, vpn, count);
  const isHole = number > PTE && !isMapped(parent, probe, vpn);
  // The child's tables are allocated without any lock.
  release(thread, tableLock(thread.heap, probe.table));
  if (isHole) return { kind: 'hole', number, pages };
  // A table that was prepared for small pages, if the parent's have become a large one since.
  if (number > PTE) reclaimEmpty(child, vpn);
  const outcome = installTables(child, vpn, number);
  return outcome === 'no-page' ? { kind: 'no-page' } : { kind: 'ready', number, pages };
}

/**
 * Copies what is mapped from `vpn` on, as far as one table of the parent goes. Blocks on table
 * locks and the child's mm lock. Context: nobody else knows the child; others may work on the
 * parent, and the child gets what is mapped there when its table's turn comes.
 */
export function forkStep(parent: Space, child: Space, vpn: Vpn, count: number): Step {
  const { thread } = parent;
  const prepared = prepare(parent, child, vpn, count);
  if (prepared.kind === 'no-page') return prepared;
  const { number, pages } = prepared;
  if (prepared.kind === 'hole') return { kind: 'done', pages, changed: 0 };
  // Locked anew: while the child's tables were allocated the parent's were anybody's.
  const locked = lockLowest(parent, vpn);
  if (locked === null) return { kind: 'done', pages: count, changed: 0 };
  // Collapsed, split or taken out meanwhile: again, with what is there now.
  const same = locked.number === number;
  const changed = same ? copyRange(parent, locked, child, vpn, pages) : 0;
  // Under the lock (T4): whoever forks the pages next finds them not writable, changes nothing, and
  // may return before we do. Of the parent alone: no TLB has anything of a space that nobody knows.
  if (changed > 0) flush(parent);
  release(thread, tableLock(thread.heap, locked.table));
  return { kind: 'done', pages: same ? pages : 0, changed };
}

function isMapped({ thread, format }: Space, { number, table }: Locked, vpn: Vpn): boolean {
  const level = levelOf(format, number);
  return isLeaf(level, thread.mem.load(lowWord(entryFor(format, number, table, vpn))));
}

/** Returns how many pages were mapped. Context: the parent's table locked. */
function copyRange(
  { thread, format }: Space,
  { number, table }: Locked,
  child: Space,
  vpn: Vpn,
  pages: number,
): number {
  const { mem } = thread;
  const level = levelOf(format, number);
  const from = entryFor(format, number, table, vpn);
  // The child's table is not locked: nobody else knows the child, so its tables stay, and no two
  // tables of one kind need be locked at once. The section is for findTable alone.
  enterBriefly(thread);
  const to = entryFor(format, number, findTable(child, vpn, number) as Word, vpn);
  leaveBriefly(thread);
  let copied = 0;
  for (let index = 0; index < (number === PTE ? pages : 1); index++) {
    const entry = at(from, index * ENTRY_WORDS);
    const low = mem.load(lowWord(entry));
    if (!isLeaf(level, low)) continue;
    const prot = format.protOf(number, low) & ~PROT.write;
    const frame = frameAddress(level, low);
    const [readOnly, high] = [
      format.leafLow(number, frame, prot),
      format.leafHigh(number, frame, prot),
    ];
    // The parent's entry first: the child never has a page that the parent's entry lets be written.
    if (readOnly !== low) changeEntry(thread, level, entry, readOnly, high);
    setEntry(thread, level, at(to, index * ENTRY_WORDS), readOnly, high);
    copied += spanOf(format, number);
  }
  return copied;
}

/** Pages of a space's tree, mapped or not: the range of a fork or an exit. */
export function extentOf(space: Space): number {
  const root = rootOf(space);
  return root === 0 ? 0 : pagesOf(space.format, depthOf(root));
}
