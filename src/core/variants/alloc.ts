/**
 * Handing out a fragment, for variants A and Y: the list under the owner's lock, the state by
 * compare-and-swap.
 *
 * The page's callback makes F without the lock, and looks at HOLDER to see whether it must list
 * the page. So when alloc has taken the page off the list and stored HOLDER = 0, it looks once
 * more for an F: of an F made before that store the callback has seen HOLDER and left (Dekker).
 */
import { UsageError } from '../base/errors.js';
import type { FragIndex, KindId, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { eraseNode, fillEmpty } from '../frag/contents.js';
import {
  isLive,
  isMm,
  mmNotLive,
  noSuchMm,
  ownerOf,
  partialList,
  refused,
  tablesWord,
} from '../frag/mm.js';
import { initStates, slotOf, stateWordOf, tableAt } from '../frag/ptdesc.js';
import { PER_WORD } from '../frag/state.js';
import {
  type HeapKind,
  mmRecord,
  pageAddress,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '../mem/heap.js';
import { PTDESC } from '../mem/layout.js';
import { listAdd, listDelete, listFirst } from '../mem/list.js';
import { acquire, release } from '../mem/lock.js';
import { emptyHand, returnPages, takePages } from '../mem/supply.js';
import { findFree, PENDING, takeSlot } from './words.js';

/** As frag/alloc.ts allocTable: the address of an empty table, or null. */
export function allocTable(thread: Thread, mm: MmId, kindId: KindId): Word | null {
  const { heap, mem } = thread;
  const kind = heap.kinds[kindId];
  if (kind === undefined) throw new UsageError('no-such-kind', `the heap has no kind ${kindId}`);
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  const record = mmRecord(heap, mm);
  const owner = ownerOf(heap, mm);
  acquire(thread, owner);
  if (!isLive(mem, record, mm)) throw refused(thread, owner, mmNotLive(heap, mm));
  const list = partialList(owner, kindId);
  const node = listFirst(mem, list);
  if (node === 0) {
    release(thread, owner);
    return allocFresh(thread, mm, kindId, owner);
  }
  const pfn = pfnOfAddress(heap, node);
  const ptdesc = ptdescOf(heap, pfn);
  const holder = mem.load(at(ptdesc, PTDESC.HOLDER)) - 1;
  const index = findFree(mem, ptdesc, kind.perPage, holder) as FragIndex;
  takeSlot(mem, stateWordOf(ptdesc, index), slotOf(index));
  if (kind.perPage > PER_WORD) mem.add(at(ptdesc, PTDESC.ALLOCATED), 1);
  if (index === holder) {
    listDelete(mem, node);
    eraseNode(mem, node, kind);
    mem.store(at(ptdesc, PTDESC.HOLDER), 0);
    const free = findFree(mem, ptdesc, kind.perPage, -1) as FragIndex;
    if (free >= 0) listPage(thread, ptdesc, list, tableAt(heap, pfn, kind, free), free);
  }
  mem.add(tablesWord(record), 1);
  const table = tableAt(heap, pfn, kind, index);
  release(thread, owner);
  if (kind.hasResidue) fillEmpty(mem, table, kind.fragmentWords, kind);
  return table;
}

/** Puts a page on its owner's list by fragment `index`, which is F. Context: owner's lock held. */
export function listPage(
  { mem }: Thread,
  ptdesc: Word,
  list: Word,
  node: Word,
  index: FragIndex,
): void {
  listAdd(mem, list, node);
  mem.store(at(ptdesc, PTDESC.HOLDER), index + 1);
}

/** A table of a page from the supply; the page's other fragments are listed. */
function allocFresh(thread: Thread, mm: MmId, kindId: KindId, owner: Word): Word | null {
  const { heap, mem } = thread;
  const kind = heap.kinds[kindId] as HeapKind;
  const record = mmRecord(heap, mm);
  const pfn = takePages(thread, kind.order);
  if (pfn === null) return null;
  const ptdesc = ptdescOf(heap, pfn);
  const page = pageAddress(heap, pfn);
  fillEmpty(mem, page, kind.fragmentWords * kind.perPage, kind);
  mem.poke(at(ptdesc, PTDESC.KIND), kindId);
  mem.poke(at(ptdesc, PTDESC.HOLDER), 0);
  mem.poke(at(ptdesc, PTDESC.ALLOCATED), kind.perPage > PER_WORD ? 1 : 0);
  mem.poke(at(ptdesc, PENDING), 0);
  initStates(mem, ptdesc, kind);
  acquire(thread, owner);
  if (!isLive(mem, record, mm)) {
    release(thread, owner);
    returnPages(thread, pfn, () => {});
    throw mmNotLive(heap, mm);
  }
  mem.store(at(ptdesc, PTDESC.OWNER), owner);
  emptyHand(thread);
  mem.add(tablesWord(record), 1);
  if (kind.perPage > 1) {
    const index = 1 as FragIndex;
    const list = partialList(owner, kindId);
    listPage(thread, ptdesc, list, tableAt(heap, pfn, kind, index), index);
  }
  release(thread, owner);
  return page;
}
