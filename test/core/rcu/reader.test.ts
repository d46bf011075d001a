/** What a section writes in its thread's record, by flavour, and what it leaves alone. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at } from '#src/core/base/units.js';
import type { Heap, Thread } from '#src/core/mem/heap.js';
import { THREAD } from '#src/core/mem/layout.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { advanceGrace, graceStarted } from '#src/core/rcu/grace-period.js';
import {
  enterBriefly,
  leaveBriefly,
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '#src/core/rcu/reader.js';
import { makeHeap } from '../../support/heap.js';

describe('what a section writes', () => {
  let heap: Heap;
  let epoch: Thread;
  let qsbr: Thread;

  beforeEach(() => {
    ({ heap, thread: epoch } = makeHeap());
    qsbr = attachThread(heap, 'qsbr');
  });

  const fieldOf = ({ mem, record }: Thread, field: number): number => mem.load(at(record, field));
  const readerOf = (thread: Thread): number => fieldOf(thread, THREAD.READER);
  const brieflyOf = (thread: Thread): number => fieldOf(thread, THREAD.BRIEFLY_ONLINE);

  /** Ends a grace period, where nobody holds it up, and begins the next. */
  function advance(): number {
    advanceGrace(heap);
    return graceStarted(heap);
  }

  it('is nothing that an epoch thread says of being quiescent, offline or online', () => {
    rcuOnline(epoch);
    quiescent(epoch);
    expect(readerOf(epoch)).toBe(0);
    rcuReadLock(epoch);
    const published = readerOf(epoch);
    advance();
    for (const says of [quiescent, rcuOffline, rcuOnline]) {
      says(epoch);
      expect(readerOf(epoch)).toBe(published);
    }
    rcuReadUnlock(epoch);
    expect(readerOf(epoch)).toBe(0);
  });

  it('is published again by a qsbr thread that is quiescent, and by nothing else', () => {
    rcuOnline(qsbr);
    const published = readerOf(qsbr);
    expect(published).toBe(graceStarted(heap));
    expect(advance()).toBe(published + 1);
    rcuReadLock(qsbr);
    rcuReadUnlock(qsbr);
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    rcuOnline(qsbr);
    expect(readerOf(qsbr)).toBe(published);
    quiescent(qsbr);
    expect(readerOf(qsbr)).toBe(published + 1);
  });

  it('is 0 for a qsbr thread that is offline, until it enters a section', () => {
    quiescent(qsbr);
    expect(readerOf(qsbr)).toBe(0);
    enterBriefly(qsbr);
    expect(readerOf(qsbr)).toBe(graceStarted(heap));
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    expect([readerOf(qsbr), brieflyOf(qsbr)]).toEqual([graceStarted(heap), 1]);
    leaveBriefly(qsbr);
    expect([readerOf(qsbr), brieflyOf(qsbr)]).toEqual([0, 0]);
    rcuReadLock(qsbr);
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    rcuReadUnlock(qsbr);
    expect([readerOf(qsbr), brieflyOf(qsbr)]).toEqual([graceStarted(heap), 0]);
  });

  it('of an epoch thread leaves nothing for a qsbr thread that has its record next', () => {
    enterBriefly(epoch);
    expect([readerOf(epoch), brieflyOf(epoch)]).toEqual([graceStarted(heap), 0]);
    leaveBriefly(epoch);
    expect([readerOf(epoch), brieflyOf(epoch)]).toEqual([0, 0]);
  });
});
