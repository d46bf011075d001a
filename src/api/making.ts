/** A heap in memory in which nothing is yet. */
import { initCommonOwner } from '../core/frag/mm.js';
import { formatHeap, type Heap, type HeapConfig } from '../core/mem/heap.js';
import type { Memory } from '../core/mem/memory.js';
import { growSupply } from '../core/mem/supply.js';
import { attachThread, detachThread } from '../core/rcu/attach.js';

/** Makes a heap with so many pages. Nobody may know of the memory before. */
export function makeHeap(mem: Memory, config: HeapConfig, pages: number): Heap {
  const heap = formatHeap(mem, config);
  initCommonOwner(heap);
  // The supply grows under its lock, and only a thread takes a lock: one is attached for that.
  const creator = attachThread(heap, 'epoch');
  growSupply(creator, pages);
  detachThread(creator);
  return heap;
}
