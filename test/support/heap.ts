/** Heaps for tests: of any shape, small unless asked, checked when made and when a test asks. */
import { expect } from 'vitest';
import type { FragIndex, KindId, Pfn, ThreadId, Word } from '#src/core/base/units.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { checkHeap, type HeapCheckOptions } from '#src/core/frag/check.js';
import { initCommonOwner } from '#src/core/frag/mm.js';
import { formatPage, nodeAt, tableAt } from '#src/core/frag/ptdesc.js';
import {
  formatHeap,
  type Heap,
  type HeapConfig,
  type HeapKind,
  headerWord,
  type Kind,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '#src/core/mem/heap.js';
import { HEAP, PTDESC } from '#src/core/mem/layout.js';
import { listNext } from '#src/core/mem/list.js';
import { layoutOf } from '#src/core/mem/regions.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { growSupply, supplyCounts } from '#src/core/mem/supply.js';
import { geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';
import { attachThread } from '#src/core/rcu/attach.js';
import type { CallbackTable } from '#src/core/rcu/callback.js';
import { hasCallbacks } from '#src/core/rcu/queue.js';
import { rcuBarrier } from '#src/core/rcu/wait.js';

export interface HeapOptions extends Partial<HeapConfig> {
  /** Pages that can be handed out. Default: all, pagesMax. */
  readonly pages?: number;
  /** The grace period that is over when the heap is made. */
  readonly completed?: number;
  /** Another seam over the same words. */
  readonly memory?: (words: Int32Array) => SharedMemory;
}

export interface TestHeap {
  readonly heap: Heap;
  readonly mem: SharedMemory;
  /** Attached in the epoch flavour. */
  readonly thread: Thread;
}

/** A kind whose fragments together make up one page: the smallest that is allowed if not said. */
export function kindOf(perPage: number, words?: number, more: Partial<Kind> = {}): Kind {
  const fragmentWords = words ?? Math.max(4, 16 / perPage);
  return {
    name: `nr${perPage}`,
    fragmentWords,
    perPage,
    order: 0,
    emptyEven: 0,
    emptyOdd: 0,
    entryWords: fragmentWords,
    residueEven: 0,
    residueOdd: 0,
    ...more,
  };
}

/** A heap of a configuration: debug, with small limits, and pages of kind 0's size. */
export function configOf(options: HeapOptions = {}): HeapConfig {
  const shape = options.kinds === undefined ? shapeOf(options.geometry) : undefined;
  const kinds = options.kinds ?? shape?.kinds ?? [];
  const [first] = kinds as [Kind];
  return {
    geometry: options.geometry ?? 'test',
    kinds,
    pageShift: options.pageShift ?? shape?.pageShift ?? pageShiftOf(first),
    pagesMax: options.pagesMax ?? 32,
    threadsMax: options.threadsMax ?? 8,
    mmsMax: options.mmsMax ?? 9,
    sharedOwner: options.sharedOwner ?? false,
    debug: options.debug ?? true,
    spins: options.spins ?? 10,
  };
}

function pageShiftOf(kind: Kind): number {
  return Math.log2((kind.fragmentWords * kind.perPage) / 2 ** kind.order);
}

function shapeOf(name: string | undefined): { kinds: readonly Kind[]; pageShift: number } {
  if (name === undefined) return { kinds: [kindOf(4)], pageShift: 4 };
  const geometry = geometryNamed(name);
  return { kinds: kindsOf(geometry), pageShift: Math.log2(geometry.pageBytes / 4) };
}

/** Makes a heap, attaches one thread, and checks that every rule holds before anything is done. */
export function makeHeap(options: HeapOptions = {}): TestHeap {
  const config = configOf(options);
  const words = new Int32Array(new SharedArrayBuffer(layoutOf(config).words * 4));
  const mem = options.memory?.(words) ?? new SharedMemory(words, true);
  const heap = formatHeap(mem, config);
  initCommonOwner(heap);
  const thread = attachThread(heap, 'epoch');
  growSupply(thread, options.pages ?? config.pagesMax);
  if (options.completed !== undefined) setGrace(mem, options.completed, options.completed);
  checkClean(heap, { drained: true });
  return { heap, mem, thread };
}

function setGrace(mem: SharedMemory, started: number, completed: number): void {
  mem.store(headerWord(HEAP.GP_STARTED), started);
  mem.store(headerWord(HEAP.GP_COMPLETED), completed);
}

/** Every rule holds. */
export function checkClean(heap: Heap, options: HeapCheckOptions = {}): void {
  expect(checkHeap(heap, options)).toEqual([]);
}

/** Waits until no callback of any thread is left. No reader may be inside. */
export function drain(thread: Thread, callbacks: CallbackTable = CALLBACKS): void {
  const { heap } = thread;
  const threads = Array.from({ length: heap.threadsMax }, (_, id) => id as ThreadId);
  while (threads.some((id) => hasCallbacks(heap, id))) rcuBarrier(thread, callbacks);
}

/** Nothing waits, every rule holds, and so many pages are free: all if not said. */
export function checkDrained(thread: Thread, free?: number): void {
  drain(thread);
  checkClean(thread.heap, { drained: true });
  const counts = supplyCounts(thread);
  expect(counts.free).toBe(free ?? counts.limit);
}

/** The states of the page of a table, in letters. */
export function statesOf(heap: Heap, table: Word): string {
  const ptdesc = ptdescOf(heap, pfnOfAddress(heap, table));
  const kind = heap.kinds[heap.mem.peek((ptdesc + PTDESC.KIND) as Word)] as HeapKind;
  return formatPage(heap.mem, ptdesc, kind);
}

/** A field of the ptdesc of a table's page. */
export function pageField(heap: Heap, table: Word, field: keyof typeof PTDESC): number {
  return heap.mem.peek((ptdescOf(heap, pfnOfAddress(heap, table)) + PTDESC[field]) as Word);
}

/** The table that is fragment `index` of the page of `table`, in a heap of one kind. */
export function siblingOf(heap: Heap, table: Word, index: number, kind = 0): Word {
  const pfn: Pfn = pfnOfAddress(heap, table);
  return tableAt(heap, pfn, heap.kinds[kind] as HeapKind, index as FragIndex);
}

/** Where the list node of the page of `table` is when fragment `index` is the holder. */
export function nodeOf(heap: Heap, table: Word, index: number, kind = 0): Word {
  const pfn: Pfn = pfnOfAddress(heap, table);
  return nodeAt(heap, pfn, heap.kinds[kind] as HeapKind, index as FragIndex);
}

/** The nodes of a list, the first one first. */
export function nodesOf({ mem }: Heap, head: Word): Word[] {
  const nodes: Word[] = [];
  for (let node = listNext(mem, head, head); node !== null; node = listNext(mem, head, node)) {
    nodes.push(node);
  }
  return nodes;
}

/** The words of a table. */
export function contentsOf(heap: Heap, table: Word, kind = 0): number[] {
  const { fragmentWords } = heap.kinds[kind] as HeapKind;
  return Array.from({ length: fragmentWords }, (_, i) => heap.mem.peek((table + i) as Word));
}

/** What the words of an empty table of a kind hold. */
export function emptyContents(kind: Kind): number[] {
  return Array.from({ length: kind.fragmentWords }, (_, i) =>
    i % 2 === 0 ? kind.emptyEven : kind.emptyOdd,
  );
}

/** All words of a heap, to compare with later. */
export function snapshot(heap: Heap): Int32Array {
  return (heap.mem as SharedMemory).words.slice();
}

/** No word of the heap has changed, locks included. */
export function checkUnchanged(heap: Heap, before: Int32Array): void {
  const { words } = heap.mem as SharedMemory;
  const changed: string[] = [];
  before.forEach((word, i) => {
    if (words[i] !== word) changed.push(`word ${i}: ${word} -> ${words[i]}`);
  });
  expect(changed).toEqual([]);
}

export const KIND_0 = 0 as KindId;
export const KIND_1 = 1 as KindId;
