/** A queue of callbacks at its edges: empty, locked, and damaged. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type ThreadId, type Word } from '#src/core/base/units.js';
import type { Heap, Thread } from '#src/core/mem/heap.js';
import { RCU_HEAD, THREAD } from '#src/core/mem/layout.js';
import { headsOf } from '#src/core/mem/places.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { type Callback, callRcu, poll, serveQueue } from '#src/core/rcu/callback.js';
import { advanceGrace } from '#src/core/rcu/grace-period.js';
import { takeRipe } from '#src/core/rcu/queue.js';
import { quiescent, rcuOffline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { beginBarrier, tryBarrier } from '#src/core/rcu/wait.js';
import { checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

describe('a queue', () => {
  let heap: Heap;
  let mem: HookMemory;
  let thread: Thread;
  let other: Thread;
  let ran: number;

  const idle: Callback = (by, head) => {
    ran++;
    by.mem.poke(head, 0);
  };

  beforeEach(() => {
    const made = makeHeap({ memory: (words) => new HookMemory(words) });
    ({ heap, thread } = made);
    mem = made.mem as HookMemory;
    other = attachThread(heap, 'epoch');
    ran = 0;
  });

  const head = (index: number): Word => at(heap.pagesAt, 4 * index);
  const lockOf = ({ record }: Thread): Word => at(record, THREAD.QUEUE_LOCK);

  it('that is empty gives nothing, whatever it waited for last, and nothing changes', () => {
    callRcu(thread, head(0), 0);
    while (ran === 0) serveQueue(thread, [idle], thread.id, 9);
    const before = snapshot(heap);
    expect(takeRipe(thread, thread.id, 9)).toBe(0);
    checkUnchanged(heap, before);
  });

  it('is locked by the name of the thread that is at it', () => {
    callRcu(thread, head(0), 0);
    const holders = new Set<number>();
    mem.watch((access, word) => {
      const isAtIt = access === 'cas' && word === at(thread.record, THREAD.QUEUE_NEW);
      if (isAtIt) holders.add(mem.peek(lockOf(thread)));
    });
    serveQueue(other, [idle], thread.id, 9);
    expect([...holders]).toEqual([other.id + 1]);
    holders.clear();
    tryBarrier(other, [idle], beginBarrier(1));
    while (ran === 0) serveQueue(other, [idle], thread.id, 9);
    mem.watch((access, word) => {
      const isLook = access === 'load' && word === at(thread.record, THREAD.QUEUE_RUNNERS);
      if (isLook) holders.add(mem.peek(lockOf(thread)));
    });
    tryBarrier(other, [idle], beginBarrier(1));
    expect([...holders]).toEqual([other.id + 1]);
  });

  it('of which a callback makes a circle ends all the same', () => {
    const circle: Callback = (by, own) => {
      ran++;
      by.mem.poke(at(head(0), RCU_HEAD.NEXT), head(0));
      by.mem.poke(own, 0);
    };
    // The last that is queued is the first that runs.
    for (const index of [0, 1]) callRcu(thread, head(index), 0);
    for (let round = 0; round < 3; round++) advanceGrace(heap);
    serveQueue(thread, [circle], thread.id, 9);
    expect(ran).toBe(headsOf(heap));
  });

  it.each([-5, -2, -1, 0, 1, 2, 1000])('is polled in turns, though the turn is %d', (turn) => {
    const cursor = at(thread.record, THREAD.CURSOR);
    mem.poke(cursor, turn);
    expect(poll(thread, [idle], 9)).toBe(0);
    expect(mem.peek(cursor)).toBe(turn === 0 ? 1 : 0);
    callRcu(other, head(0), 0);
    for (let polls = 0; polls < 6; polls++) poll(thread, [idle], 9);
    expect(ran).toBe(1);
  });

  it('is polled inside a section too, where a qsbr thread is not quiescent', () => {
    const qsbr = attachThread(heap, 'qsbr');
    rcuReadLock(qsbr);
    expect(poll(qsbr, [idle], 9)).toBe(0);
    for (const says of [quiescent, rcuOffline]) {
      expect(() => says(qsbr)).toThrow(expect.objectContaining({ code: 'inside-reader' }));
    }
    rcuReadUnlock(qsbr);
    rcuOffline(qsbr);
    expect(mem.load(at(qsbr.record, THREAD.READER))).toBe(0);
    expect(qsbr.id).toBe(2 as ThreadId);
  });
});
