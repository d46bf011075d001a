/**
 * The map of a heap: its regions, and the records in them as tables of named offsets.
 *
 *   +--------+-------+-----+------+---------+----------+---------------------------+
 *   | header | kinds | mms | thr. | ptdescs | freed by | pages, aligned to a block |
 *   +--------+-------+-----+------+---------+----------+---------------------------+
 *
 * Offsets are in words. Every record is a whole number of 128-byte slots, so that no two records
 * share a cache line or a pair of lines that the CPU fetches together; inside a record, what
 * different threads write at the same time is a slot apart too. `freed by` has words instead of
 * records, and is of debug heaps alone: see frag/poison.ts.
 *
 * `lock X` in the tables below means: written and read by plain accesses under lock X. Checks, and
 * messages that say why nothing is left (frag/shortage.ts), read any word: the first at rest, the
 * second as it is at some moment.
 *
 * Hot code takes what it uses of other modules as consts of its own: these offsets, as in
 * `const { OWNER } = PTDESC`, and functions, as in `const { acquire } = locks`. V8 folds a module's
 * own consts; an imported name it loads, and checks, at each use, and an exported one too. By
 * `bench/run.mjs`, in turns, pinned, on Node 20: without such functions alloc, free and callback
 * take 1.16 times as long (1.08 on fresh pages), without such offsets 1.08 times (1.04); a read
 * section and a walk take the same. So frag's alloc, free, callback, contents and ptdesc do it, the
 * variants that are compared with them, and no file where it gives less than 2 %.
 */
import { assertAtImport } from '../base/assert.js';
import type { Word } from '../base/units.js';

/** One slot: two cache lines, 128 bytes. */
export const SLOT_WORDS = 32;

/** Block orders of the page supply: 2^0 to 2^8 pages. */
export const ORDERS = 9;

/** Fragment kinds of one heap at most (powerpc has four). */
export const KINDS_MAX = 8;

/** Threads attached at a time, at most. */
export const THREADS_MAX = 256;

/** Words of a set of threads (mem/thread-set.ts). */
export const THREAD_SET_WORDS = 8;

/** State words of a ptdesc, at most. How many fragments each is for stands in frag/state.ts. */
export const STATE_WORDS_MAX = 16;

/** Fragments of a page at most. */
export const FRAGMENTS_MAX = 256;

/** `PTFR` in memory order of a little-endian machine. Stored last: a heap with it is complete. */
export const HEAP_MAGIC = 0x52465450;

/**
 * Raised by the first change of a table in this file, or of what a word of one means, after a
 * release: heaps that no release made need no number of their own (test/core/mem/layout.test.ts).
 */
export const LAYOUT_VERSION = 3;

/**
 * The header.
 *
 *   word  name              written by                      read by
 *   ----  ----------------  ------------------------------  --------------------------------
 *     0   MAGIC             createHeap, last                attach, first
 *     1   VERSION … DEBUG   createHeap                      attach
 *    16   GEOMETRY          createHeap: a name, 32 bytes    attach
 *    31   CONSTANTS_SUM     createHeap: of the words from   attach: mem/header.ts
 *                           1 on before it, and the kinds,
 *                           which nobody changes
 *    32   BROKEN            whoever finds a broken rule     whoever waits; attach
 *    33   LIMIT_PAGES       lock supply                     any thread, atomically
 *    34   THREADS_HIGH      attach; only grows              scans over all threads
 *    36   RECLAIM_STOP      who stops or resumes      reclaimers
 *   40-47 RECLAIMERS        reclaimers, or, and             threads that could poll
 *    64   SUPPLY_LOCK       any thread (mem/lock.ts)        any thread
 *    96   FREE_PAGES        lock supply                     lock supply; reports (racy)
 *    97   BLOCKS_TAKEN      lock supply                     reports (racy, harmless)
 *    98   FREE              lock supply                     lock supply
 *   128   GP_STARTED        who begins a grace period, CAS  every outermost rcuReadLock
 *   129   GP_COMPLETED      who ends one, CAS               pollers
 *   160   MM_TABLE_LOCK     any thread (mem/lock.ts)        any thread
 *   161   MM_FREE           lock mm table                   lock mm table
 *   162   MM_HIGH           lock mm table                   any thread, atomically
 */
export const HEAP = {
  MAGIC: 0,
  VERSION: 1,
  PAGE_SHIFT: 2,
  PAGES_MAX: 3,
  THREADS_MAX: 4,
  MMS_MAX: 5,
  KINDS: 6,
  SHARED_OWNER: 7,
  SPINS: 8,
  DEBUG: 9,
  GEOMETRY: 16,
  CONSTANTS_SUM: 31,
  BROKEN: 32,
  LIMIT_PAGES: 33,
  THREADS_HIGH: 34,
  RECLAIM_STOP: 36,
  RECLAIMERS: 40,
  SUPPLY_LOCK: 64,
  FREE_PAGES: 96,
  BLOCKS_TAKEN: 97,
  FREE: 98,
  GP_STARTED: 128,
  GP_COMPLETED: 129,
  MM_TABLE_LOCK: 160,
  MM_FREE: 161,
  MM_HIGH: 162,
  WORDS: 192,
} as const;

/** A name in the header, a kind or a thread's record: bytes of ASCII, four to a word. */
export const NAME_WORDS = { GEOMETRY: 8, KIND: 4, THREAD: 8, PLACE: 12 } as const;

/**
 * A fragment kind. All written by createHeap, read by attach.
 *
 *   FRAGMENT_WORDS  size of one fragment
 *   PER_PAGE        fragments of one page (NR)
 *   ORDER           2^ORDER pages to a block; 0 where PER_PAGE > 1
 *   EMPTY_*         what an empty table's words hold, at even and odd offsets
 *   ENTRY_WORDS     words that are entries; behind them a port may leave anything (hash slots)
 *   RESIDUE_*       bits of an entry's words that may linger in an empty table
 */
export const KIND = {
  FRAGMENT_WORDS: 0,
  PER_PAGE: 1,
  ORDER: 2,
  EMPTY_EVEN: 3,
  EMPTY_ODD: 4,
  ENTRY_WORDS: 5,
  RESIDUE_EVEN: 6,
  RESIDUE_ODD: 7,
  NAME: 8,
  WORDS: 16,
} as const;

/**
 * An rcu head, inside a ptdesc or an mm record: what makes a deferred free need no memory.
 *
 *   WAITS_FOR  0 idle · a grace period's number: queued for it (rcu/callback.ts)
 *   NEXT       the head below in a queue's stack
 *   CALLBACK   which callback, an index into the callback table
 *
 * All three: written by whoever may write the record, read by the same and by the one runner that
 * took the head out of its queue.
 */
export const RCU_HEAD = { WAITS_FOR: 0, NEXT: 1, CALLBACK: 2, WORDS: 3 } as const;

/**
 * A ptdesc: what is known of one page, or of a block of pages at its first one.
 *
 *   word   name       written by                              read by
 *   -----  ---------  --------------------------------------  ---------------------------------
 *    0-2   RCU        lock owner; the callback if no A        the same; the runner
 *     3    OWNER      page taken or returned (private page);  any thread, atomically: see
 *                     the last free, as its last access       frag/ptdesc.ts
 *     4    KIND       page taken                              any thread that holds a fragment
 *     5    HOLDER     lock owner                              lock owner
 *     6    ALLOCATED  lock owner                              lock owner; the callback if no A
 *    7-8   LINK       lock supply; page out, in a debug heap:  the same
 *                       lock owner (frag/ptdesc.ts)
 *     9    BLOCK      lock supply                             lock supply
 *    11    LOCK       any thread (mem/lock.ts)                any thread: pgtable/lock.ts
 *   15-30  STATES     lock owner; the callback if no A        the same
 */
export const PTDESC = {
  RCU: 0,
  OWNER: 3,
  KIND: 4,
  HOLDER: 5,
  ALLOCATED: 6,
  LINK: 7,
  BLOCK: 9,
  LOCK: 11,
  STATES: 15,
  WORDS: 32,
} as const;

/**
 * An address space's record. The lock, the lists and the counters are a slot apart.
 *
 *   word   name    written by                    read by
 *   -----  ------  ----------------------------  ------------------------------------------
 *     0    LOCK    any thread (mem/lock.ts)      any thread
 *   32-47  LISTS   lock owner                    lock owner
 *   64-66  RCU     destroyMm; the mm callback    the runner
 *    67    LIFE    lock owner                    lock owner; any thread, atomically, for names
 *                                                and walks: frag/mm.ts, pgtable/space.ts
 *    68    TABLES  lock owner                    lock owner
 *    69    MAKER   who makes or ends a space     whoever recovers what that left
 *    70    NEXT    lock mm table                 lock mm table
 *    71    ROOT    who makes, grows, ends the    any thread, atomically: pgtable/space.ts
 *                  space
 *    72    FLUSHES any thread, add               any thread, atomically: pgtable/tlb.ts
 *   73-80  USERS   lock owner; who recovers, and lock owner; whoever recovers
 *
 *   MAKER  0, or 1 + the number of the thread that makes a space, or ends it, and alone has it
 *   USERS  a set of threads, as RECLAIMERS is (mem/thread-set.ts)
 */
export const MM = {
  LOCK: 0,
  LISTS: 32,
  RCU: 64,
  LIFE: 67,
  TABLES: 68,
  MAKER: 69,
  NEXT: 70,
  ROOT: 71,
  FLUSHES: 72,
  USERS: 73,
  WORDS: 96,
} as const;

/**
 * An attached thread's record.
 *
 *   word   name            written by               read by
 *   -----  --------------  -----------------------  ----------------------------------------
 *     0    READER          the thread               whoever scans for the end of a grace period
 *    32    ATTACHED        attach, whoever          attach, whoever recovers; reports (racy,
 *                          recovers: CAS; detach    harmless): rcu/attached.ts
 *    33    NESTING         the thread               the thread; checks and reports (racy)
 *    34    BRIEFLY_ONLINE  the thread               the thread
 *    35    IN_CALLBACK     the thread               the thread; checks and reports (racy)
 *    36    CURSOR          the thread               the thread
 *    37    FLAVOUR         attach                   reports (racy, harmless)
 *    38    QUEUE_PUSHED    the thread               the thread
 *    39    QUEUED          the thread               the thread
 *    40    HAND            the thread               the thread; whoever recovers what it left
 *    41    SLEEPS_FOR      the thread               reports (racy, harmless)
 *    42    ATTACHED_AT     attach                   reports (racy, harmless)
 *    43    PUSHING         the thread               the thread; whoever recovers what it left
 *    44    PUSHING_FOR     the thread               the same
 *    45    RUNNING         the thread               the same
 *    46    REST            the thread               the same
 *    47    REST_END        the thread               the same
 *   48-55  NAME            attach                   reports (racy, harmless)
 *    56    INTENT          the thread               the thread; whoever recovers what it left
 *   57-61  INTENT_*        the thread               the same
 *   62-63  CHANGES, …_LOW  the thread               the same
 *    64    QUEUE_NEW       the thread; who takes    any thread
 *                          it, holding QUEUE_LOCK
 *    65    QUEUE_WAITING   who has QUEUE_LOCK       any thread (a hint without the lock)
 *    66    QUEUE_RIPE_AT   who has QUEUE_LOCK       who has QUEUE_LOCK
 *    67    QUEUE_LOCK      any thread, CAS          any thread
 *    68    QUEUE_TOP       who has QUEUE_LOCK       who has QUEUE_LOCK
 *    69    QUEUE_REFUSED   runners, CAS; who takes  any thread (a hint without the lock)
 *                          it, holding QUEUE_LOCK
 *    70    QUEUE_TAKEN     who has QUEUE_LOCK,      the thread, atomically
 *                          runners: add
 *    71    QUEUE_TOP_FOR   who has QUEUE_LOCK       who has QUEUE_LOCK
 *   72-79  QUEUE_RUNNERS   runners, or, and         barriers; reports (racy, harmless)
 *    80    PUT_BACK        who takes from a queue;  whoever recovers what the thread left
 *                          the thread
 *    81    HAS_PUT_BACK    the thread               the thread
 *    82    CHANGES_HIGH    the thread               the thread; whoever recovers what it left
 *    83    BEATS           the thread; attach       whoever watches it: mem/signs.ts
 *   84-95  PLACE           the thread; attach       the same
 *
 *   IN_CALLBACK  0, or 1 + the number of the queue whose callbacks the thread runs
 *   HAND         0, or the page that the thread alone has: 1 + its number while it is taken from
 *                the supply, minus that while it is returned (mem/supply.ts)
 *   INTENT       what the thread is about to do: frag/intent.ts
 *   CHANGES      0, or an entry of which the thread writes both words: pgtable/entry.ts
 *   PUSHING      0, or the head that the thread queues; PUSHING_FOR: its grace period
 *   RUNNING      0, or the head whose callback the thread runs
 *   REST         0, or the first of those that the thread has taken to run after that; the chain
 *                ends before REST_END
 *   PUT_BACK     0, or a head that the thread's callback refused and that was taken again since
 *   HAS_PUT_BACK  1: the thread has put a head back
 *   QUEUE_TOP    the top of QUEUE_NEW when that was last taken; QUEUE_TOP_FOR: its grace period
 *   QUEUE_RUNNERS  the threads that run the queue's callbacks: a set (mem/thread-set.ts)
 *   SLEEPS_FOR   0, or the address of the lock that the thread waits for
 *   ATTACHED_AT  seconds since 1970, 0 if attach was not told
 *   NAME         ASCII, 0 for none
 */
export const THREAD = {
  READER: 0,
  ATTACHED: 32,
  NESTING: 33,
  BRIEFLY_ONLINE: 34,
  IN_CALLBACK: 35,
  CURSOR: 36,
  FLAVOUR: 37,
  QUEUE_PUSHED: 38,
  QUEUED: 39,
  HAND: 40,
  SLEEPS_FOR: 41,
  ATTACHED_AT: 42,
  PUSHING: 43,
  PUSHING_FOR: 44,
  RUNNING: 45,
  REST: 46,
  REST_END: 47,
  NAME: 48,
  INTENT: 56,
  INTENT_TABLE: 57,
  INTENT_RECORD: 58,
  INTENT_TABLES: 59,
  INTENT_SLOT: 60,
  INTENT_LINK: 61,
  CHANGES: 62,
  CHANGES_LOW: 63,
  QUEUE_NEW: 64,
  QUEUE_WAITING: 65,
  QUEUE_RIPE_AT: 66,
  QUEUE_LOCK: 67,
  QUEUE_TOP: 68,
  QUEUE_REFUSED: 69,
  QUEUE_TAKEN: 70,
  QUEUE_TOP_FOR: 71,
  QUEUE_RUNNERS: 72,
  PUT_BACK: 80,
  HAS_PUT_BACK: 81,
  CHANGES_HIGH: 82,
  BEATS: 83,
  PLACE: 84,
  WORDS: 96,
} as const;

assertAtImport(HEAP.FREE + 2 * ORDERS <= 128, 'the free lists reach into the grace-period slot');
assertAtImport(
  HEAP.GEOMETRY + NAME_WORDS.GEOMETRY <= HEAP.CONSTANTS_SUM,
  'the geometry name is too long',
);
assertAtImport(KIND.NAME + NAME_WORDS.KIND <= KIND.WORDS, 'a kind name is too long');
assertAtImport(THREAD.NAME + NAME_WORDS.THREAD <= THREAD.INTENT, 'a thread name is too long');
assertAtImport(THREAD_SET_WORDS * 32 === THREADS_MAX, 'a set of threads has not one bit for each');
assertAtImport(THREAD.PLACE + NAME_WORDS.PLACE <= THREAD.WORDS, 'a place is too long');
assertAtImport(
  THREAD.QUEUE_RUNNERS + THREAD_SET_WORDS <= THREAD.PUT_BACK,
  'the set of runners is too long',
);
assertAtImport(PTDESC.STATES + STATE_WORDS_MAX <= PTDESC.WORDS, 'state words do not fit a ptdesc');
assertAtImport(MM.LOCK === 0, 'an owner, a record, is not locked by its own address');
assertAtImport(MM.LISTS + 2 * KINDS_MAX <= MM.RCU, 'the lists reach into the counters');
assertAtImport(MM.USERS + THREAD_SET_WORDS <= MM.WORDS, 'the set of users is too long');
assertAtImport(HEAP.RECLAIMERS + THREAD_SET_WORDS <= HEAP.SUPPLY_LOCK, 'so is that of reclaimers');
for (const words of [HEAP.WORDS, PTDESC.WORDS, MM.WORDS, THREAD.WORDS]) {
  assertAtImport(words % SLOT_WORDS === 0, 'a record is not a whole number of slots');
}

/** Where the kinds are, whatever else there is: they say where the pages begin. */
export const KINDS_AT: Word = HEAP.WORDS as Word;

/** The header and the kinds: what tells how long the heap is. */
export const HEAD_WORDS: number = KINDS_AT + KINDS_MAX * KIND.WORDS;
