/** Attaching and leaving: the life of a thread's record. */
import { describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import { headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import { attachedThreads, attachThread, detachThread } from '#src/core/rcu/attach.js';
import { type Callback, callRcu, pollAll } from '#src/core/rcu/callback.js';
import { advanceGrace, graceAhead, graceEnded } from '#src/core/rcu/grace-period.js';
import {
  enterBriefly,
  leaveBriefly,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '#src/core/rcu/reader.js';
import { checkClean, checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

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

  it('counts a record as looked at though another thread counts a lower one just then', () => {
    const { heap, mem } = makeHeap({ memory: (words) => new HookMemory(words) });
    const hooked = mem as HookMemory;
    const high = headerWord(HEAP.THREADS_HIGH);
    for (const id of [1, 2]) expect(attachThread(heap, 'epoch').id).toBe(id);
    // As if those that have 1 and 2 had not come to count them yet.
    mem.store(high, 1);
    let tries = 0;
    hooked.watch((access, word) => {
      if (access !== 'cas' || word !== high) return;
      if (++tries === 1) mem.poke(high, 2);
      if (tries > 9) throw new Error('goes round for ever');
    });
    expect([attachThread(heap, 'epoch').id, mem.peek(high), tries]).toEqual([3, 4, 2]);
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

describe('a qsbr thread that is offline', () => {
  it('is offline again after a section of ours, and after a callback', () => {
    const { heap, thread } = makeHeap();
    const qsbr = attachThread(heap, 'qsbr');
    const reader = at(qsbr.record, THREAD.READER);
    const seen: number[] = [];
    enterBriefly(qsbr);
    seen.push(heap.mem.load(reader));
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    seen.push(heap.mem.load(reader));
    leaveBriefly(qsbr);
    expect(seen.every((number) => number > 0)).toBe(true);
    expect(heap.mem.load(reader)).toBe(0);
    callRcu(qsbr, heap.pagesAt, 0);
    const look: Callback = (_, head) => {
      seen.push(heap.mem.load(reader));
      heap.mem.poke(head, 0);
    };
    expect(pollAll(qsbr, [look], 9)).toBe(1);
    expect([seen.at(-1) !== 0, heap.mem.load(reader)]).toEqual([true, 0]);
    expect(thread.qsbr).toBe(false);
  });

  it('stays online where it was online, or its user is inside a section', () => {
    const { heap } = makeHeap();
    const qsbr = attachThread(heap, 'qsbr');
    const reader = at(qsbr.record, THREAD.READER);
    rcuReadLock(qsbr);
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    expect(heap.mem.load(reader)).toBeGreaterThan(0);
    rcuReadUnlock(qsbr);
    enterBriefly(qsbr);
    leaveBriefly(qsbr);
    expect(heap.mem.load(reader)).toBeGreaterThan(0);
  });
});
