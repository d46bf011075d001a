/** What variants A and Y ask before they free a table, and how they end an mm. */
import { UsageError } from '../base/errors.js';
import type { FragIndex, KindId, MmId, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { MM_CALLBACK } from '../frag/callback-table.js';
import { isLive, isMm, mmNotLive, noSuchMm, ownerOf, refused, tablesWord } from '../frag/mm.js';
import { kindIdOf } from '../frag/ptdesc.js';
import {
  type HeapKind,
  mmRecord,
  pageAddress,
  pfnOfAddress,
  pfnOfPtdesc,
  ptdescOf,
  type Thread,
} from '../mem/heap.js';
import { MM, PTDESC } from '../mem/layout.js';
import { acquire, breakRule, release } from '../mem/lock.js';
import { countThreads } from '../mem/thread-set.js';
import { callRcu } from '../rcu/callback.js';
import { isAllocated } from './words.js';

/** A table of the mm, found by its address. */
export interface Found {
  readonly pfn: Pfn;
  readonly ptdesc: Word;
  readonly kind: HeapKind;
  readonly index: FragIndex;
}

/** Finds the table. Throws `UsageError` for one that the caller may not free. */
export function findTable(thread: Thread, mm: MmId, table: Word): Found {
  const { heap, mem } = thread;
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  if ((table | 0) !== table || table < heap.pagesAt || table >= heap.words) {
    throw foreign(table, mm);
  }
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  if (mem.load(at(ptdesc, PTDESC.OWNER)) !== ownerOf(heap, mm)) throw foreign(table, mm);
  // Without the lock: an mm that has this table stays live until it is freed.
  if (mem.glance(at(mmRecord(heap, mm), MM.LIFE)) !== mm) throw mmNotLive(heap, mm);
  const kind = heap.kinds[kindIdOf(mem, ptdesc)] as HeapKind;
  const offset = table - pageAddress(heap, pfn);
  if ((offset & (kind.fragmentWords - 1)) !== 0) throw foreign(table, mm);
  const index = (offset >>> kind.fragmentShift) as FragIndex;
  if (!isAllocated(mem, ptdesc, index)) {
    throw new UsageError('double-free', `freeTable: ${table} is not allocated`);
  }
  return { pfn, ptdesc, kind, index };
}

function foreign(table: Word, mm: MmId): UsageError {
  return new UsageError('foreign-fragment', `freeTable: ${table} is no table of mm ${mm}`);
}

/**
 * As frag/mm.ts destroyMm. TABLES is atomic here, for a free changes it without the lock, as its
 * last access to the mm: whoever finds 0 knows that no free is under way.
 */
export function endMm(thread: Thread, mm: MmId, emptyLists: (owner: Word) => void): void {
  const { heap, mem } = thread;
  if (!isMm(heap, mm)) throw noSuchMm(heap, mm);
  const record = mmRecord(heap, mm);
  const owner = ownerOf(heap, mm);
  acquire(thread, owner);
  if (!isLive(mem, record, mm)) throw refused(thread, owner, mmNotLive(heap, mm));
  const tables = mem.load(tablesWord(record));
  const users = countThreads(heap, at(record, MM.USERS));
  if (tables !== 0 || users !== 0) {
    const code = tables !== 0 ? 'mm-has-tables' : 'mm-in-use';
    throw refused(thread, owner, new UsageError(code, `mm ${mm} is in use`));
  }
  if (owner === record) emptyLists(owner);
  mem.store(at(record, MM.LIFE), -mm);
  release(thread, owner);
  callRcu(thread, at(record, MM.RCU), MM_CALLBACK);
}

/** The last stores to a page that is all F. Context: supply lock held, nobody else has the page. */
export function retirePage({ heap }: Thread, ptdesc: Word): void {
  const { mem } = heap;
  if (mem.load(at(ptdesc, PTDESC.HOLDER)) !== 0) {
    breakRule(heap, 3, `page ${pfnOfPtdesc(heap, ptdesc)} is returned while on a list`);
  }
  mem.store(at(ptdesc, PTDESC.OWNER), 0);
}

export function kindOfPage({ heap, mem }: Thread, ptdesc: Word): { id: KindId; kind: HeapKind } {
  const id = kindIdOf(mem, ptdesc);
  return { id, kind: heap.kinds[id] as HeapKind };
}
