/**
 * Recovery: what a thread that died left half done is finished or taken back, and nothing is lost.
 *
 * Whoever recovers acts as the dead thread: it takes locks under its number and writes its record.
 * So the dead thread's locks stay its own until what they protect is in order, and whoever recovers
 * may die too: the next one finds a dead thread that got further, and goes on. Each step here may
 * therefore be done twice. The dead thread's section stays open to the end, so that no fragment
 * that it had to do with becomes free meanwhile.
 *
 * What is found under a lock of the dead thread is judged by the words that decide: BLOCK of a page
 * (mem/supply-repair.ts), OWNER and the states of a page, LIFE of an mm. Lists and counts follow
 * from those and are made anew. What the words can't say is in the thread's record: INTENT
 * (intent.ts), HAND (mem/supply.ts), and where the heads are that it had (rcu/queue.ts).
 *
 * The order matters:
 *
 *   queues   first: a head that the thread was queueing is queued while its page is still locked
 *   supply   a page that it was returning is returned, before anybody asks what its callback did
 *   tables   the locks of page tables: whether a table is linked is asked while they are held
 *   owners   the locks of mms, each let go of when all its pages are in order
 *   intent   a table that nobody knows is freed, an mm that nobody knows ended
 *   rest     callbacks that it had still to run are put back
 *   users    it is no user of any mm any more
 *   spaces   those that it was making or ending are ended, by operations that use intent, hand and
 *            queue
 *   section  last
 */
import type { MmId, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { LITTLE_ENDIAN } from '../mem/endian.js';
import {
  type HeapKind,
  mmRecordAt,
  mmsHigh,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '../mem/heap.js';
import { MM, PTDESC, THREAD } from '../mem/layout.js';
import { acquireWithin, breakRule, release, threadInside } from '../mem/lock.js';
import { repairSupply } from '../mem/supply-repair.js';
import { REFUSED } from '../rcu/callback.js';
import { leaveFor, putBackRest, repairQueues } from '../rcu/queue-repair.js';
import { enterBriefly } from '../rcu/reader.js';
import { returnPage } from './callback.js';
import { fillEmpty } from './contents.js';
import { STALLED, tryFreeTable } from './free.js';
import { INTENT, intendRecord } from './intent.js';
import { initLists, ownerOfRecord, putRecord } from './mm.js';
import { poisonBlock } from './poison.js';
import { kindIdOf } from './ptdesc.js';
import { finishEnd, queueAgain, repairMmTable, repairOwner } from './repair.js';
import { leaveAllMms } from './users.js';

/** What page tables do in a recovery. */
export interface TableRecovery {
  /** Puts in order, and lets go of, the tables that the thread had locked. */
  readonly repair: (dead: Thread) => void;
  /** Ends the spaces that it was making or ending. Throws `StallError`. */
  readonly unmake: (dead: Thread) => void;
}

const NO_TABLES: TableRecovery = { repair: () => {}, unmake: () => {} };

/**
 * Recovers what a dead thread left, and frees its record. False: another thread holds a lock or a
 * queue for longer than `dead` waits; then it is to be called again, once that thread has gone on
 * or was recovered itself. Throws `StallError` for the same, while it ends a space. Blocks.
 * Context: `dead` is a handle on the dead thread's record (rcu/recoverer.ts), that thread certainly
 * makes no step any more, and nobody else recovers what it left.
 *
 * `tables` does the same for page tables (pgtable/unmake.ts), where the heap has any. O(pages).
 */
export function recoverThread(
  dead: Thread,
  { repair, unmake }: TableRecovery = NO_TABLES,
): boolean {
  if (!repairQueues(dead)) return false;
  settleHand(dead);
  if (!repairSupply(dead)) return false;
  repairMmTable(dead);
  repair(dead);
  repairOwners(dead);
  if (!finishRunning(dead) || !finishIntent(dead)) return false;
  putBackRest(dead);
  leaveAllMms(dead);
  unmake(dead);
  leaveFor(dead);
  return true;
}

/**
 * Of a block in the dead thread's hand, which the supply is to have: what it was taking is made
 * what free memory is, and what its callback was returning has its head settled.
 */
function settleHand({ heap, mem, record }: Thread): void {
  const hand = mem.peek(at(record, THREAD.HAND));
  if (hand === 0) return;
  const pfn = (Math.abs(hand) - 1) as Pfn;
  const ptdesc = ptdescOf(heap, pfn);
  const block = mem.peek(at(ptdesc, PTDESC.BLOCK));
  // Of a block that is free again, or still, the rest is the supply's.
  if (hand > 0 && block < 0 && heap.debug) poisonBlock(heap, pfn, -block - 1);
  const running = at(record, THREAD.RUNNING);
  if (hand < 0 && mem.peek(running) === ptdesc + PTDESC.RCU) mem.poke(running, 0);
}

/** Puts in order whatever the dead thread's owner locks protect, and lets go of them. */
function repairOwners(dead: Thread): void {
  const { heap, mem } = dead;
  const high = mmsHigh(heap);
  for (let index = 0; index < high; index++) {
    const owner = mmRecordAt(heap, index);
    if (threadInside(mem.load(at(owner, MM.LOCK))) !== dead.id) continue;
    repairOwner(dead, owner);
    release(dead, owner);
  }
}

/** The page without A whose callback the thread ran. False: the supply's lock is not let go of. */
function finishRunning(dead: Thread): boolean {
  const { heap, mem, record } = dead;
  const running = at(record, THREAD.RUNNING);
  const head = mem.peek(running) as Word | 0;
  if (head === 0 || head < heap.ptdescsAt) return true;
  const ptdesc = at(head, -PTDESC.RCU);
  if (mem.load(at(ptdesc, PTDESC.OWNER)) > 0) return true;
  // Nobody else has the page.
  queueAgain(dead, head);
  return mem.peek(running) === 0 || returnPage(dead, ptdesc) !== REFUSED;
}

/** Does what the thread was about to do, or takes it back. False: a lock is not let go of. */
function finishIntent(dead: Thread): boolean {
  const { mem, record: own } = dead;
  const intent = mem.peek(at(own, THREAD.INTENT));
  if (intent === INTENT.NONE) return true;
  const record = mem.peek(at(own, THREAD.INTENT_RECORD)) as Word;
  const table = mem.peek(at(own, THREAD.INTENT_TABLE)) as Word;
  switch (intent) {
    case INTENT.HOLD:
      emptyTable(dead, table);
      return freeTableOf(dead, record, table);
    case INTENT.LINK:
      emptyEntries(dead, table);
      return freeTableOf(dead, record, table);
    case INTENT.MAKE:
      if (mem.load(at(record, MM.LIFE)) <= 0) {
        // As createMm leaves those of a record that was never used before.
        initLists(dead.heap, record);
        return putRecord(dead, record, dead.lockWaits.stallMs);
      }
      // Until the head is queued the record must not be used again, and be queued a second time.
      enterBriefly(dead);
      intendRecord(dead, INTENT.UNMAKE, record);
      return unmakeMm(dead, record);
    default:
      return unmakeMm(dead, record);
  }
}

/** The table is the thread's alone, and may not be empty yet, as one that is freed must be. */
function emptyTable({ heap, mem }: Thread, table: Word): void {
  const ptdesc = ptdescOf(heap, pfnOfAddress(heap, table));
  const kind = heap.kinds[kindIdOf(mem, ptdesc)] as HeapKind;
  fillEmpty(mem, table, kind.fragmentWords, kind);
}

/** The table was unlinked, perhaps: walks may be in it, and see its entries vanish. */
function emptyEntries({ heap, mem }: Thread, table: Word): void {
  const ptdesc = ptdescOf(heap, pfnOfAddress(heap, table));
  const kind = heap.kinds[kindIdOf(mem, ptdesc)] as HeapKind;
  // The low word first, which decides: from then on nobody acts on the entry.
  for (const offset of LITTLE_ENDIAN ? [0, 1] : [1, 0]) {
    const empty = offset === 0 ? kind.emptyEven : kind.emptyOdd;
    for (let word = offset; word < kind.entryWords; word += 2) mem.store(at(table, word), empty);
  }
}

/** The mm lives, for it has this table. */
function freeTableOf(dead: Thread, record: Word, table: Word): boolean {
  const { heap, mem } = dead;
  const error = tryFreeTable(dead, mem.load(at(record, MM.LIFE)) as MmId, table);
  if (error === null || error === STALLED) return error === null;
  return breakRule(heap, 6, `a dead thread had a table that is none: ${error.message}`, table);
}

/** Ends an mm whose number nobody knows. */
function unmakeMm(dead: Thread, record: Word): boolean {
  const { heap, mem, lockWaits } = dead;
  const owner = ownerOfRecord(heap, record);
  if (!acquireWithin(dead, owner, lockWaits.stallMs)) return false;
  const life = mem.load(at(record, MM.LIFE));
  if (life > 0) mem.store(at(record, MM.LIFE), -life);
  finishEnd(dead, record);
  release(dead, owner);
  return true;
}
