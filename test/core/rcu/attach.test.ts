/** Attaching and leaving: the life of a thread's record. */
import { describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import type { Thread } from '#src/core/mem/heap.js';
import { THREAD } from '#src/core/mem/layout.js';
import { attachedThreads, attachThread, detachThread } from '#src/core/rcu/attach.js';
import { callRcu, pollAll } from '#src/core/rcu/callback.js';
import { advanceGrace, graceAhead, graceEnded } from '#src/core/rcu/grace-period.js';
import { rcuOnline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkClean, checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';

describe('attaching', () => {
  it('works for 256 threads, each counted by grace periods, and no more', () => {
    const { heap, thread } = makeHeap({ threadsMax: 256 });
    const threads = [thread];
    while (threads.length < 256) threads.push(attachThread(heap, 'epoch'));
    expect(threads.map(({ id }) => id as number)).toEqual(Array.from({ length: 256 }, (_, i) => i));
    expect(() => attachThread(heap, 'epoch')).toThrow(
      expect.objectContaining({ name: 'LimitError', limit: 'threadsMax', max: 256 }),
    );
    for (const reader of threads) {
      const n = graceAhead(heap);
      rcuReadLock(reader);
      advanceGrace(heap);
      expect(graceEnded(heap, n)).toBe(false);
      rcuReadUnlock(reader);
      advanceGrace(heap);
      expect(graceEnded(heap, n)).toBe(true);
    }
    checkClean(heap, { drained: true });
  });

  it('takes the lowest free record, and says who is attached', () => {
    const { heap } = makeHeap({ threadsMax: 4 });
    const [one, two] = [attachThread(heap, 'epoch'), attachThread(heap, 'qsbr')];
    expect(attachedThreads(heap)).toEqual([0, 1, 2]);
    detachThread(one);
    expect(attachedThreads(heap)).toEqual([0, 2]);
    expect(attachThread(heap, 'qsbr').id).toBe(1);
    expect([one.qsbr, two.qsbr]).toEqual([false, true]);
    const flavours = [0, 1, 2].map((id) => heap.threadsAt + id * THREAD.WORDS + THREAD.FLAVOUR);
    expect(flavours.map((word) => heap.mem.load(word as Word))).toEqual([0, 1, 1]);
  });
});

describe('leaving', () => {
  it('is refused inside a section, and nothing changes', () => {
    const { heap, thread } = makeHeap();
    rcuReadLock(thread);
    const before = snapshot(heap);
    expect(() => detachThread(thread)).toThrow(
      expect.objectContaining({ name: 'UsageError', code: 'inside-reader' }),
    );
    checkUnchanged(heap, before);
    rcuReadUnlock(thread);
    detachThread(thread);
    expect(attachedThreads(heap)).toEqual([]);
  });

  it('is refused inside a callback', () => {
    const { heap, mem, thread } = makeHeap();
    const head = heap.pagesAt;
    let refused: unknown;
    const leave = (runner: Thread): void => {
      // A callback is inside a section as well; that alone is another code.
      rcuReadUnlock(runner);
      try {
        detachThread(runner);
      } catch (error) {
        refused = error;
      }
      rcuReadLock(runner);
      mem.poke(head, 0);
    };
    callRcu(thread, head, 0);
    for (let i = 0; i < 4; i++) pollAll(thread, [leave], 8);
    expect(refused).toMatchObject({ name: 'UsageError', code: 'inside-callback' });
    expect(attachedThreads(heap)).toEqual([0]);
  });

  it('ends a qsbr thread that is online: it holds up nothing any more', () => {
    const { heap, mem } = makeHeap();
    const thread = attachThread(heap, 'qsbr');
    rcuOnline(thread);
    const n = graceAhead(heap);
    advanceGrace(heap);
    expect(graceEnded(heap, n)).toBe(false);
    detachThread(thread);
    advanceGrace(heap);
    expect(graceEnded(heap, n)).toBe(true);
    expect(mem.load(at(thread.record, THREAD.READER))).toBe(0);
  });
});
