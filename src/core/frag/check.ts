/**
 * The whole-heap check: every rule that holds while no operation is under way, verified from the
 * heap's words alone. Shipped code: tests and replays end with it, and users may call it.
 * The rules of one page are in check-page.ts.
 *
 * Context: no thread is inside an operation of ours. Callbacks may be pending; with `drained` none
 * may, and nothing may be lost (P6). It walks every page: O(pages).
 */
import type { KindId, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { headerFaults, RULES_MAX } from '../mem/header.js';
import {
  type Heap,
  headerWord,
  mmOfRecord,
  mmRecordAt,
  mmsHigh,
  nameOfThread,
  threadRecord,
  threadsHigh,
} from '../mem/heap.js';
import { HEAP, MM, RCU_HEAD, THREAD } from '../mem/layout.js';
import { heldLocks, nameOfLock, threadInside } from '../mem/lock.js';
import { isHead, isMmRecord } from '../mem/places.js';
import { checkSupply, type Violation, walkList } from '../mem/supply-check.js';
import { someThread } from '../mem/thread-set.js';
import { checkFreePages, checkPage, type PageFacts } from './check-page.js';
import { COMMON_OWNER, partialList } from './mm.js';

export type { Violation } from '../mem/supply-check.js';

/** What `AttachedThread.check` may demand of the heap. */
export interface HeapCheckOptions {
  /** Also demand that no callback is pending and nothing waits. */
  readonly drained?: boolean | undefined;
  /** False: queued heads were taken out of their queues (rcu/manual.ts). Default: true. */
  readonly queues?: boolean | undefined;
}

/** Checks the heap; an empty array means that every rule holds. */
export function checkHeap(heap: Heap, options: HeapCheckOptions = {}): Violation[] {
  const found: Violation[] = headerFaults(heap).map((detail) => ({ rule: 'P12', detail }));
  const drained = options.drained === true;
  const queued = options.queues === false ? null : queuedHeads(heap, found);
  const blocks = checkSupply(heap, found);
  const pages = blocks.map((block) => checkPage(heap, block, found));
  checkFreePages(heap, blocks, found);
  checkLists(heap, pages, found);
  // These strike off `queued` the heads that they know; what is left below is nobody's.
  checkMms(heap, pages, drained, queued, found);
  for (const page of pages) checkHead(page, drained, queued, found);
  checkWords(heap, drained, found);
  for (const head of queued ?? []) {
    found.push({ rule: 'P7', detail: `queued head ${head} is of no page and no mm` });
  }
  return found;
}

/** All heads in the queues of all threads, each once (P7). */
function queuedHeads(heap: Heap, found: Violation[]): Set<Word> {
  const heads = new Set<Word>();
  const high = threadsHigh(heap);
  for (let id = 0; id < high; id++) {
    const record = threadRecord(heap, id as ThreadId);
    for (const field of [THREAD.QUEUE_NEW, THREAD.QUEUE_WAITING, THREAD.QUEUE_REFUSED]) {
      let head = heap.mem.load(at(record, field)) as Word | 0;
      while (head !== 0) {
        if (!isHead(heap, head)) {
          const says = nameOfThread(heap, id as ThreadId);
          found.push({ rule: 'P12', detail: `${says} has queued ${head}, which is no head` });
          break;
        }
        // Two chains that meet, or one that is a circle: to go on might not end.
        if (heads.has(head)) {
          found.push({ rule: 'P7', detail: `head ${head} is queued twice` });
          break;
        }
        heads.add(head);
        head = heap.mem.peek(at(head, RCU_HEAD.NEXT)) as Word | 0;
      }
    }
  }
  return heads;
}

/** A head is queued exactly when its page has some C (P7); afterwards it is struck off. */
function checkHead(
  page: PageFacts,
  drained: boolean,
  queued: Set<Word> | null,
  found: Violation[],
): void {
  const inQueue = queued === null ? page.waiting : queued.delete(page.head);
  const says = `page ${page.pfn} (${page.states})`;
  if (page.waiting !== inQueue) {
    const detail = `${says}: its head is ${inQueue ? '' : 'not '}in a queue`;
    found.push({ rule: 'P7', detail });
  }
  if (page.waiting !== page.headState > 0) {
    found.push({ rule: 'P7', detail: `${says}: its head's state is ${page.headState}` });
  }
  if (drained && page.waiting) {
    found.push({ rule: 'P6', detail: `${says} still waits for a grace period` });
  }
}

/** Every page with a node is on exactly its owner's list, and no list has any other (P4). */
function checkLists(heap: Heap, pages: readonly PageFacts[], found: Violation[]): void {
  const expected = new Map<Word, PageFacts>();
  for (const page of pages) if (page.node !== null) expected.set(page.node, page);
  const owners = mmsHigh(heap);
  for (let owner = 0; owner < owners; owner++) {
    // Either the common owner's lists are in use or those of each mm.
    if ((owner === COMMON_OWNER) !== heap.sharedOwner) continue;
    for (let kind = 0; kind < heap.kinds.length; kind++) {
      const record = mmRecordAt(heap, owner);
      const list = partialList(record, kind as KindId);
      for (const node of walkList(heap, list, 'P4', found)) {
        const page = expected.get(node);
        expected.delete(node);
        if (page?.owner === owner && page.kindId === kind) continue;
        found.push({
          rule: 'P4',
          detail: `mm ${mmOfRecord(heap, record)}, list ${kind}: node ${node} is not its own`,
        });
      }
    }
  }
  for (const page of expected.values()) {
    found.push({ rule: 'P4', detail: `page ${page.pfn} has a node but is on no list` });
  }
}

function checkMms(
  heap: Heap,
  pages: readonly PageFacts[],
  drained: boolean,
  queued: Set<Word> | null,
  found: Violation[],
): void {
  const tables = new Map<number, number>();
  for (const page of pages) {
    if (page.owner !== null) tables.set(page.owner, (tables.get(page.owner) ?? 0) + page.allocated);
  }
  let counted = 0;
  const { mem } = heap;
  const high = mmsHigh(heap);
  const free = freeRecords(heap, found);
  for (let index = 1; index < high; index++) {
    const record = mmRecordAt(heap, index);
    const mm = mmOfRecord(heap, record);
    const isLive = mem.load(at(record, MM.LIFE)) > 0;
    if ((mm & heap.mmMask) !== index) {
      found.push({ rule: 'P11', detail: `record ${index} says that it serves mm ${mm}` });
    }
    const count = isLive ? mem.peek(at(record, MM.TABLES)) : 0;
    counted += count;
    // Pages of the common owner don't say whose their tables are: then only sums can be compared.
    const expected = tables.get(index) ?? 0;
    if (!heap.sharedOwner && count !== expected) {
      found.push({ rule: 'P6', detail: `mm ${mm} counts ${count} tables, its pages ${expected}` });
    }
    const dying = !isLive && !free.has(record);
    const inQueue = queued === null ? dying : queued.delete(at(record, MM.RCU));
    if (inQueue !== dying) {
      const detail = `mm ${mm}: ${isLive ? 'live' : 'ended'}, head in a queue: ${inQueue}`;
      found.push({ rule: 'P7', detail });
    }
    if (drained && dying) found.push({ rule: 'P6', detail: `mm ${mm} still dies` });
  }
  const allocated = pages.reduce((sum, page) => sum + page.allocated, 0);
  if (counted !== allocated) {
    found.push({ rule: 'P6', detail: `mms count ${counted} tables, pages ${allocated}` });
  }
}

/** Records that are put up for the next mms, each once, and none that serves one (P11). */
function freeRecords(heap: Heap, found: Violation[]): Set<Word> {
  const { mem } = heap;
  const free = new Set<Word>();
  let record = mem.peek(headerWord(HEAP.MM_FREE)) as Word | 0;
  while (record !== 0) {
    if (!isMmRecord(heap, record)) {
      found.push({ rule: 'P12', detail: `${record} is a free record, but no mm's` });
      break;
    }
    const isLive = mem.load(at(record, MM.LIFE)) > 0;
    if (isLive || free.has(record)) {
      const why = isLive ? 'is free, but it is live' : 'is free twice';
      found.push({ rule: 'P11', detail: `the record of mm ${mmOfRecord(heap, record)} ${why}` });
      break;
    }
    free.add(record);
    record = mem.peek(at(record, MM.NEXT)) as Word | 0;
  }
  return free;
}

/** Words that are zero while nothing is under way. */
function checkWords(heap: Heap, drained: boolean, found: Violation[]): void {
  const { mem } = heap;
  const broken = mem.load(headerWord(HEAP.BROKEN));
  if (broken > 0 && broken <= RULES_MAX) {
    found.push({ rule: `P${broken}`, detail: 'a thread found it broken' });
  }
  for (const { name, thread } of heldLocks(heap)) {
    const by = nameOfThread(heap, thread);
    found.push({ rule: 'L1', detail: `the lock of ${name} is held by ${by}` });
  }
  const high = threadsHigh(heap);
  for (let id = 0; id < high; id++) checkThread(heap, id as ThreadId, drained, found);
}

/** What a thread's record says outside of operations; in good order also of one that has left. */
function checkThread(heap: Heap, id: ThreadId, drained: boolean, found: Violation[]): void {
  const get = (field: number): number => heap.mem.load(at(threadRecord(heap, id), field));
  const holder = threadInside(get(THREAD.QUEUE_LOCK));
  const runner = someThread(heap, at(threadRecord(heap, id), THREAD.QUEUE_RUNNERS));
  const says = nameOfThread(heap, id);
  const sleepsFor = get(THREAD.SLEEPS_FOR) as Word | 0;
  if (holder !== null) {
    const by = nameOfThread(heap, holder);
    found.push({ rule: 'L1', detail: `the queue of ${says} is held by ${by}` });
  }
  if (sleepsFor !== 0) {
    const detail = `${says} waits for the lock of ${nameOfLock(heap, sleepsFor)}`;
    found.push({ rule: 'L2', detail });
  }
  if (runner !== null) {
    const by = nameOfThread(heap, runner);
    found.push({ rule: 'R3', detail: `${by} runs callbacks of the queue of ${says}` });
  }
  if (get(THREAD.IN_CALLBACK) !== 0) {
    found.push({ rule: 'R1', detail: `${says} is inside a callback` });
  }
  const isInside = get(THREAD.NESTING) !== 0;
  // A reader may be in its section for as long as it likes; but then something may wait for it.
  if (isInside && get(THREAD.ATTACHED) === 0) {
    found.push({ rule: 'G1', detail: `${says} has left, but is inside a read section` });
  }
  if (isInside && drained) {
    found.push({ rule: 'P6', detail: `${says} is inside a read section, which may be waited for` });
  }
}
