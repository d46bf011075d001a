/**
 * A heap: making one in a piece of shared memory, and opening one that is there.
 *
 * A `Heap` is a thread's handle on it: the seam and the numbers of the layout, read once from the
 * header and never changed. Nothing of the heap lives outside its words.
 */
import { type Blocker, threadText } from '../base/blocker.js';
import type { MmId, Pfn, ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { constantsSum, requireHeader, requireSound } from './header.js';
import {
  HEAP,
  HEAP_MAGIC,
  KIND,
  KINDS_AT,
  LAYOUT_VERSION,
  MM,
  NAME_WORDS,
  ORDERS,
  PTDESC,
  THREAD,
} from './layout.js';
import { listInit } from './list.js';
import type { Memory } from './memory.js';
import { readName, writeName } from './name.js';
import { type Layout, type LayoutSizes, layoutOf } from './regions.js';

// Consts of this module, as layout.ts says.
const PTDESC_SHIFT = 31 - Math.clz32(PTDESC.WORDS);
const MM_WORDS = MM.WORDS;

/** A kind of fragment. `emptyEven` is what the words at even offsets of an empty table hold. */
export interface Kind {
  readonly name: string;
  readonly fragmentWords: number;
  readonly perPage: number;
  readonly order: number;
  readonly emptyEven: number;
  readonly emptyOdd: number;
  readonly entryWords: number;
  readonly residueEven: number;
  readonly residueOdd: number;
}

/** A kind as read back from a heap. */
export interface HeapKind extends Kind {
  /** log2 of fragmentWords. */
  readonly fragmentShift: number;
  /** Whether an empty table may differ from the empty value, in an entry's bits or behind them. */
  readonly hasResidue: boolean;
}

export interface HeapConfig extends LayoutSizes {
  readonly geometry: string;
  readonly kinds: readonly Kind[];
  /** One owner of all partial pages instead of one per address space. */
  readonly sharedOwner: boolean;
  /** Look at freed tables: are they empty, is the poison in free memory untouched? */
  readonly debug: boolean;
  /** How often a lock is tried before its waiter sleeps. */
  readonly spins: number;
}

export interface Heap extends HeapConfig, Layout {
  readonly mem: Memory;
  readonly kinds: readonly HeapKind[];
  /** Bits of an mm's number that are the index of its record: see frag/mm.ts. */
  readonly mmMask: number;
}

/** A thread's handle: what each operation of the core is given first. */
export interface Thread {
  readonly heap: Heap;
  readonly mem: Memory;
  readonly id: ThreadId;
  readonly record: Word;
  /** See rcu/reader.ts. */
  readonly qsbr: boolean;
  readonly lockWaits: LockWaits;
}

/** How a thread waits for locks. */
export interface LockWaits {
  /**
   * After how many milliseconds a sleeper looks again: who was to wake it may have woken another,
   * who died of it. 0: not before it is woken.
   */
  readonly lookMs: number;
  /** After how long with the same thread inside a wait is given up. */
  readonly stallMs: number;
}

/**
 * Of a thread that says nothing else: one of the lab's, of which there may be far more than
 * processors. Those of users wait less, for a window would freeze (`lockStallMs` of `attach`).
 */
export const LOCK_WAITS: LockWaits = Object.freeze({ lookMs: 50, stallMs: 10_000 });

/** The same thread, but for how it waits for locks. */
export function withLockWaits(thread: Thread, lockWaits: LockWaits): Thread {
  const { heap, mem, id, record, qsbr } = thread;
  return Object.freeze({ heap, mem, id, record, qsbr, lockWaits: Object.freeze({ ...lockWaits }) });
}

export function headerWord(field: number): Word {
  return field as Word;
}

export function ptdescOf(heap: Heap, pfn: Pfn): Word {
  return (heap.ptdescsAt + (pfn << PTDESC_SHIFT)) as Word;
}

/** The page of a ptdesc, given any word of it. */
export function pfnOfPtdesc(heap: Heap, word: Word): Pfn {
  return ((word - heap.ptdescsAt) >>> PTDESC_SHIFT) as Pfn;
}

/** The record of an mm, or of the mms that had it before or will have it later. */
export function mmRecord(heap: Heap, mm: MmId): Word {
  return (heap.mmsAt + (mm & heap.mmMask) * MM_WORDS) as Word;
}

export function mmRecordAt(heap: Heap, index: number): Word {
  return at(heap.mmsAt, index * MM_WORDS);
}

export function mmIndexOf(heap: Heap, record: Word): number {
  return (record - heap.mmsAt) / MM_WORDS;
}

/** The mm that a record serves, or the last one that it did; before the first, that one. */
export function mmOfRecord(heap: Heap, record: Word): MmId {
  const life = Math.abs(heap.mem.load(at(record, MM.LIFE)));
  return (life === 0 ? mmIndexOf(heap, record) : life) as MmId;
}

/**
 * How many threads' records a scan looks at, how many mms' are in use, and how many pages the
 * supply has in all. A number that can't be, in a damaged heap, counts as the greatest that can.
 */
export function threadsHigh({ mem, threadsMax }: Heap): number {
  return atMost(threadsMax, mem.load(headerWord(HEAP.THREADS_HIGH)));
}

export function mmsHigh({ mem, mmsMax }: Heap): number {
  return atMost(mmsMax, mem.load(headerWord(HEAP.MM_HIGH)));
}

export function pagesLimit({ mem, pagesMax }: Heap): number {
  return atMost(pagesMax, mem.load(headerWord(HEAP.LIMIT_PAGES)));
}

function atMost(most: number, count: number): number {
  // Without a sign what is negative is too large as well.
  return count >>> 0 > most ? most : count;
}

export function threadRecord(heap: Heap, thread: ThreadId): Word {
  return at(heap.threadsAt, thread * THREAD.WORDS);
}

/** Whether a thread can have such a number, which may be of a damaged word. */
export function isThread({ threadsMax }: Heap, thread: number): boolean {
  return thread >= 0 && thread < threadsMax;
}

/** What a thread said of itself at attach. Racy: for reports. Null: there is none. */
export function describeThread(
  heap: Heap,
  thread: ThreadId | null,
): Pick<Blocker, 'thread' | 'name' | 'attachedAtMs'> {
  if (thread === null || !isThread(heap, thread)) return { thread, name: null, attachedAtMs: null };
  const since = heap.mem.load(at(threadRecord(heap, thread), THREAD.ATTACHED_AT)) >>> 0;
  const attachedAtMs = since === 0 ? null : since * 1000;
  return { thread, name: threadName(heap, thread), attachedAtMs };
}

function threadName(heap: Heap, thread: ThreadId): string | null {
  if (!isThread(heap, thread)) return null;
  const word = at(threadRecord(heap, thread), THREAD.NAME);
  return readName(heap.mem, word, NAME_WORDS.THREAD) || null;
}

/** How a message speaks of a thread. Racy, as describeThread. */
export function nameOfThread(heap: Heap, thread: ThreadId): string {
  return threadText(thread, threadName(heap, thread));
}

export function pageAddress(heap: Heap, pfn: Pfn): Word {
  return (heap.pagesAt + (pfn << heap.pageShift)) as Word;
}

/** The page that a word lies in; meaningless for words before the page area. */
export function pfnOfAddress(heap: Heap, word: Word): Pfn {
  return ((word - heap.pagesAt) >>> heap.pageShift) as Pfn;
}

/**
 * Writes a new heap into zeroed memory; no other thread may use that memory yet. The configuration
 * was judged before: each size by LIMITS, and all together by checkConfig.
 */
export function formatHeap(mem: Memory, config: HeapConfig): Heap {
  const set = (field: number, value: number): void => mem.poke(headerWord(field), value);
  set(HEAP.VERSION, LAYOUT_VERSION);
  set(HEAP.PAGE_SHIFT, config.pageShift);
  set(HEAP.PAGES_MAX, config.pagesMax);
  set(HEAP.THREADS_MAX, config.threadsMax);
  set(HEAP.MMS_MAX, config.mmsMax);
  set(HEAP.KINDS, config.kinds.length);
  set(HEAP.SHARED_OWNER, config.sharedOwner ? 1 : 0);
  set(HEAP.SPINS, config.spins);
  set(HEAP.DEBUG, config.debug ? 1 : 0);
  writeName(mem, headerWord(HEAP.GEOMETRY), NAME_WORDS.GEOMETRY, config.geometry);
  config.kinds.forEach((kind, i) => {
    writeKind(mem, at(KINDS_AT, i * KIND.WORDS), kind);
  });
  set(HEAP.CONSTANTS_SUM, constantsSum(mem));
  for (let order = 0; order < ORDERS; order++) {
    listInit(mem, headerWord(HEAP.FREE + 2 * order));
  }
  // Grace periods 1 and so on are to come: the first reader publishes 1, and 0 means "outside".
  mem.store(headerWord(HEAP.GP_STARTED), 1);
  mem.store(headerWord(HEAP.GP_COMPLETED), 1);
  // PUBLISH(heap): all of the above is plain. OBSERVE(heap) is in openHeap.
  mem.store(headerWord(HEAP.MAGIC), HEAP_MAGIC);
  return openHeap(mem);
}

/**
 * Makes a thread's handle on a heap. Its facts come from the heap's own words. Throws `UsageError`
 * where there is no heap, one of another version, or one whose header was written over.
 */
export function openHeap(mem: Memory): Heap {
  // OBSERVE(heap): the header is complete if this word is.
  requireHeader(mem, mem.load(headerWord(HEAP.MAGIC)));
  const get = (field: number): number => mem.peek(headerWord(field));
  const kinds = Array.from({ length: get(HEAP.KINDS) }, (_, i) =>
    readKind(mem, at(KINDS_AT, i * KIND.WORDS)),
  );
  requireSound(mem, kinds);
  const sizes: LayoutSizes = {
    pageShift: get(HEAP.PAGE_SHIFT),
    pagesMax: get(HEAP.PAGES_MAX),
    threadsMax: get(HEAP.THREADS_MAX),
    mmsMax: get(HEAP.MMS_MAX),
    debug: get(HEAP.DEBUG) === 1,
    kinds,
  };
  const layout = layoutOf(sizes);
  return Object.freeze({
    mem,
    pageShift: sizes.pageShift,
    pagesMax: sizes.pagesMax,
    threadsMax: sizes.threadsMax,
    mmsMax: sizes.mmsMax,
    mmMask: maskFor(sizes.mmsMax),
    kindsAt: layout.kindsAt,
    mmsAt: layout.mmsAt,
    threadsAt: layout.threadsAt,
    ptdescsAt: layout.ptdescsAt,
    freedByAt: layout.freedByAt,
    freedByShift: layout.freedByShift,
    pagesAt: layout.pagesAt,
    words: layout.words | 0,
    geometry: readName(mem, headerWord(HEAP.GEOMETRY), NAME_WORDS.GEOMETRY),
    kinds,
    sharedOwner: get(HEAP.SHARED_OWNER) === 1,
    debug: sizes.debug,
    spins: get(HEAP.SPINS),
  });
}

/** The least 2^n - 1 that has every index of so many records in it. */
function maskFor(records: number): number {
  return 2 ** (32 - Math.clz32(records - 1)) - 1;
}

const KIND_FIELDS = [
  ['fragmentWords', KIND.FRAGMENT_WORDS],
  ['perPage', KIND.PER_PAGE],
  ['order', KIND.ORDER],
  ['emptyEven', KIND.EMPTY_EVEN],
  ['emptyOdd', KIND.EMPTY_ODD],
  ['entryWords', KIND.ENTRY_WORDS],
  ['residueEven', KIND.RESIDUE_EVEN],
  ['residueOdd', KIND.RESIDUE_ODD],
] as const;

function writeKind(mem: Memory, record: Word, kind: Kind): void {
  for (const [name, field] of KIND_FIELDS) mem.poke(at(record, field), kind[name]);
  writeName(mem, at(record, KIND.NAME), NAME_WORDS.KIND, kind.name);
}

function readKind(mem: Memory, record: Word): HeapKind {
  const get = (field: number): number => mem.peek(at(record, field));
  const residueBits = get(KIND.RESIDUE_EVEN) | get(KIND.RESIDUE_ODD);
  return Object.freeze({
    name: readName(mem, at(record, KIND.NAME), NAME_WORDS.KIND),
    fragmentWords: get(KIND.FRAGMENT_WORDS),
    perPage: get(KIND.PER_PAGE),
    order: get(KIND.ORDER),
    emptyEven: get(KIND.EMPTY_EVEN),
    emptyOdd: get(KIND.EMPTY_ODD),
    entryWords: get(KIND.ENTRY_WORDS),
    residueEven: get(KIND.RESIDUE_EVEN),
    residueOdd: get(KIND.RESIDUE_ODD),
    fragmentShift: 31 - Math.clz32(get(KIND.FRAGMENT_WORDS)),
    hasResidue: residueBits !== 0 || get(KIND.ENTRY_WORDS) < get(KIND.FRAGMENT_WORDS),
  });
}
