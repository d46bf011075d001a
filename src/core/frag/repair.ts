/**
 * What a dead thread's owner lock, or its lock of the table of mms, protects, put in order while
 * the lock is still held in its name: see recover.ts.
 *
 * Of the owner's pages, those whose OWNER is its address, the states decide. OWNER and the states
 * of a page change under the lock alone, so each page with some F and some A is to be listed, and
 * whatever else is said of it follows. With no A left the last free was not done yet.
 */
import type { FragIndex, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import {
  type HeapKind,
  headerWord,
  mmIndexOf,
  pagesLimit,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '../mem/heap.js';
import { HEAP, MM, PTDESC, THREAD } from '../mem/layout.js';
import { listAdd } from '../mem/list.js';
import { release, threadInside } from '../mem/lock.js';
import { callRcu, HEAD_IDLE, settle } from '../rcu/callback.js';
import { MM_CALLBACK, PAGE_CALLBACK } from './callback-table.js';
import { freeUnderLock } from './free.js';
import { INTENT, intendHold, intendNothing } from './intent.js';
import { initLists, MM_TABLE_LOCK, ownerOfRecord, partialList, tablesWord } from './mm.js';
import { findFree, getState, kindIdOf, nodeAt, stateWordOf, tableAt } from './ptdesc.js';
import { A, bitsOfC, F, nextToCurrent, PER_WORD } from './state.js';

/** Puts in order the table of mms, if the dead thread had its lock, and lets go of that. */
export function repairMmTable(dead: Thread): void {
  const { heap, mem, record: own } = dead;
  if (threadInside(mem.load(MM_TABLE_LOCK)) !== dead.id) return;
  const free = mem.peek(headerWord(HEAP.MM_FREE));
  const head = mem.peek(at(own, THREAD.RUNNING)) as Word | 0;
  // A record is free from the store of MM_FREE on, and taken from that of MM_FREE or MM_HIGH on.
  if (head !== 0 && head === free + MM.RCU) settle(dead, head);
  if (mem.peek(at(own, THREAD.INTENT)) === INTENT.MAKE) {
    const record = mem.peek(at(own, THREAD.INTENT_RECORD)) as Word;
    const isTaken = mmIndexOf(heap, record) < mem.peek(headerWord(HEAP.MM_HIGH));
    if (!isTaken || record === free) intendNothing(dead);
  }
  release(dead, MM_TABLE_LOCK);
}

/** Puts in order the lists, pages and mms of an owner. Context: its lock held as `dead`. */
export function repairOwner(dead: Thread, owner: Word): void {
  const { heap, mem } = dead;
  initLists(heap, owner);
  const limit = pagesLimit(heap);
  for (let pfn = 0; pfn < limit; pfn++) {
    const ptdesc = ptdescOf(heap, pfn as Pfn);
    if (mem.load(at(ptdesc, PTDESC.OWNER)) === owner) repairPage(dead, owner, pfn as Pfn, ptdesc);
  }
  repairRunning(dead, owner);
  repairIntent(dead, owner);
}

function repairPage(dead: Thread, owner: Word, pfn: Pfn, ptdesc: Word): void {
  const { heap, mem } = dead;
  const kindId = kindIdOf(mem, ptdesc);
  const kind = heap.kinds[kindId] as HeapKind;
  const holder = at(ptdesc, PTDESC.HOLDER);
  const allocated = countA(dead, ptdesc, kind);
  mem.poke(at(ptdesc, PTDESC.ALLOCATED), allocated);
  const was = mem.peek(holder) - 1;
  const isNode = was >= 0 && getState(mem, ptdesc, was as FragIndex) === F;
  const index = isNode ? was : findFree(mem, ptdesc, kind.perPage, -1);
  if (allocated === 0 || index < 0) {
    mem.poke(holder, 0);
    // The last access of the last free: from here on the page is its callback's.
    if (allocated === 0) mem.store(at(ptdesc, PTDESC.OWNER), -owner);
    return;
  }
  // Whoever had begun to list the page had chosen the same fragment; whoever had taken it off the
  // list has put the node's words back (H4), or frees the page's last table, which is done next.
  const node = nodeAt(heap, pfn, kind, index as FragIndex);
  listAdd(mem, partialList(owner, kindId), node);
  mem.poke(holder, index + 1);
}

function countA({ mem }: Thread, ptdesc: Word, kind: HeapKind): number {
  let count = 0;
  for (let index = 0; index < kind.perPage; index++) {
    if (getState(mem, ptdesc, index as FragIndex) === A) count++;
  }
  return count;
}

/** The head whose callback the thread ran under this lock. */
function repairRunning(dead: Thread, owner: Word): void {
  const { heap, mem, record } = dead;
  const head = mem.peek(at(record, THREAD.RUNNING)) as Word | 0;
  if (head === 0 || head < heap.ptdescsAt) return;
  const named = Math.abs(mem.load(at(at(head, -PTDESC.RCU), PTDESC.OWNER)));
  if (named !== owner) return;
  if (mem.peek(head) === HEAD_IDLE) settle(dead, head);
  else queueAgain(dead, head);
}

/**
 * Lets a page whose callback the dead thread ran wait for one more grace period, if anything there
 * does. Its states may be ripened in part, and what is C now was N. Context: owner's lock held as
 * `dead`, or no A is left.
 */
export function queueAgain(dead: Thread, head: Word): void {
  const { heap, mem } = dead;
  const ptdesc = at(head, -PTDESC.RCU);
  const { perPage } = heap.kinds[kindIdOf(mem, ptdesc)] as HeapKind;
  let waiting = 0;
  for (let index = 0; index < perPage; index += PER_WORD) {
    const word = stateWordOf(ptdesc, index as FragIndex);
    const after = nextToCurrent(mem.peek(word));
    mem.poke(word, after);
    waiting |= bitsOfC(after);
  }
  if (waiting !== 0) callRcu(dead, head, PAGE_CALLBACK);
  // Without A all is free: then the page is to be returned (recover.ts).
  else if (mem.load(at(ptdesc, PTDESC.OWNER)) >= 0) settle(dead, head);
}

/** Counts the mm's tables by what became of the one in question, and ends what is done. */
function repairIntent(dead: Thread, owner: Word): void {
  const { heap, mem, record: own } = dead;
  const intent = mem.peek(at(own, THREAD.INTENT));
  const record = mem.peek(at(own, THREAD.INTENT_RECORD)) as Word;
  if (intent === INTENT.NONE || ownerOfRecord(heap, record) !== owner) return;
  if (intent === INTENT.END) finishEnd(dead, record);
  if (intent !== INTENT.ALLOC && intent !== INTENT.FREE) return;
  const table = mem.peek(at(own, THREAD.INTENT_TABLE)) as Word;
  const index = allocatedAt(dead, owner, table);
  const others = mem.peek(at(own, THREAD.INTENT_TABLES));
  mem.poke(tablesWord(record), index < 0 ? others : others + 1);
  // Before the lock is let go of: then a table that is not allocated may be somebody's; and the
  // head may be queued for the free already, whose callback is to find something C or N.
  if (index < 0) intendNothing(dead);
  else if (intent === INTENT.ALLOC) intendHold(dead);
  else freeUnderLock(dead, owner, record, table, index as FragIndex);
}

/** Which fragment of a page of the owner's a table is; -1 if it is not allocated. */
function allocatedAt({ heap, mem }: Thread, owner: Word, table: Word): number {
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  if (mem.load(at(ptdesc, PTDESC.OWNER)) !== owner) return -1;
  const kind = heap.kinds[kindIdOf(mem, ptdesc)] as HeapKind;
  const index = (table - tableAt(heap, pfn, kind, 0 as FragIndex)) >>> kind.fragmentShift;
  return getState(mem, ptdesc, index as FragIndex) === A ? index : -1;
}

/**
 * Queues the head of an mm that has ended, if that was not done: nobody else would free its record.
 * Context: owner's lock held as `dead`, in whose section it ended.
 */
export function finishEnd(dead: Thread, record: Word): void {
  const { mem } = dead;
  const head = at(record, MM.RCU);
  const hasEnded = mem.peek(at(record, MM.LIFE)) < 0;
  if (hasEnded && mem.peek(head) === HEAD_IDLE) callRcu(dead, head, MM_CALLBACK);
  intendNothing(dead);
}
