/** Address spaces for tests: a heap that checks what is freed, a thread, a space. */
import { type AttachedThread, attach, createHeap, type HeapOptions, UsageError } from 'ptfrag';
import { type AddressSpace, createSpace } from 'ptfrag/pgtable';
import { expect } from 'vitest';

export interface SpaceSetUp {
  readonly buffer: SharedArrayBuffer;
  readonly thread: AttachedThread;
  readonly space: AddressSpace;
}

export function setUp(options: Partial<HeapOptions> = {}): SpaceSetUp {
  const { buffer } = createHeap({ pages: 64, mmsMax: 8, debug: true, ...options });
  const thread = attach(buffer);
  return { buffer, thread, space: createSpace(thread) };
}

/** The code of the misuse that something is refused for. */
export function codeOf(misuse: () => unknown): string {
  try {
    misuse();
  } catch (error) {
    if (error instanceof UsageError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** A walk in a section of its own. */
export function walkAt(thread: AttachedThread, space: AddressSpace, va: number | bigint): number {
  thread.readLock();
  try {
    return space.walk(va);
  } finally {
    thread.readUnlock();
  }
}

/** All pages are back, and every rule is kept. */
export function expectWhole(thread: AttachedThread): void {
  // A page's callback is queued again for what was freed while it waited: twice, at most.
  for (let i = 0; i < 3; i++) thread.barrier();
  expect(thread.check({ drained: true })).toEqual([]);
  const { free, limit } = thread.pages();
  expect(free).toBe(limit);
}
