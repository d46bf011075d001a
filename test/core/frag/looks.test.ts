/** Looks for a lock that an allocation would wait for: each is one, and only of another thread. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { KindId, MmId, Word } from '#src/core/base/units.js';
import { allocTable, lockBeforeAlloc, pageOfNext } from '#src/core/frag/alloc.js';
import { createMm, ownerOf } from '#src/core/frag/mm.js';
import { type Heap, pfnOfAddress, ptdescOf, type Thread } from '#src/core/mem/heap.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { SUPPLY_LOCK } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { checkUnchanged, KIND_0, makeHeap, snapshot } from '../../support/heap.js';

describe('the lock that an allocation would wait for', () => {
  let heap: Heap;
  let thread: Thread;
  let other: Thread;
  let mm: MmId;

  beforeEach(() => {
    ({ heap, thread } = makeHeap());
    other = attachThread(heap, 'epoch');
    mm = createMm(thread);
  });

  /** What the look says while another thread has a lock. */
  function whileHeld(lock: Word, by = other): Word | 0 {
    acquire(by, lock);
    const found = lockBeforeAlloc(thread, mm, KIND_0);
    release(by, lock);
    return found;
  }

  it('is the owner, or, where no page is listed, the supply', () => {
    const owner = ownerOf(heap, mm);
    expect(lockBeforeAlloc(thread, mm, KIND_0)).toBe(0);
    expect([whileHeld(owner), whileHeld(SUPPLY_LOCK)]).toEqual([owner, SUPPLY_LOCK]);
    expect([whileHeld(owner, thread), whileHeld(SUPPLY_LOCK, thread)]).toEqual([0, 0]);
    const table = allocTable(thread, mm, KIND_0) as Word;
    expect([whileHeld(owner), whileHeld(SUPPLY_LOCK)]).toEqual([owner, 0]);
    expect(pageOfNext(thread, mm, KIND_0)).toBe(ptdescOf(heap, pfnOfAddress(heap, table)));
    for (let taken = 1; taken < 4; taken++) allocTable(thread, mm, KIND_0);
    expect(pageOfNext(thread, mm, KIND_0)).toBe(0);
    expect(whileHeld(SUPPLY_LOCK)).toBe(SUPPLY_LOCK);
  });

  it('is none for what is refused, and nothing changes', () => {
    acquire(other, ownerOf(heap, mm));
    acquire(other, SUPPLY_LOCK);
    const before = snapshot(heap);
    expect(lockBeforeAlloc(thread, 0 as MmId, KIND_0)).toBe(0);
    expect(lockBeforeAlloc(thread, -1 as MmId, KIND_0)).toBe(0);
    expect(lockBeforeAlloc(thread, mm, 1 as KindId)).toBe(0);
    checkUnchanged(heap, before);
  });
});
