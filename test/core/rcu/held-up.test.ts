/** Who is named by those that wait: never a thread that itself waits for a lock. */
import { describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, LOCK_WAITS, type Thread } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import { acquire, acquireWithin, release } from '#src/core/mem/lock.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { callRcu, runCallback } from '#src/core/rcu/callback.js';
import { advanceGrace } from '#src/core/rcu/grace-period.js';
import { blockersOf, heldUpBarrier, heldUpGrace } from '#src/core/rcu/held-up.js';
import { takeRipe } from '#src/core/rcu/queue.js';
import { quiescent, rcuOnline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { type Barrier, beginBarrier, waitForCallbacks } from '#src/core/rcu/wait.js';
import { makeHeap } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

const SUPPLY = headerWord(HEAP.SUPPLY_LOCK);
const TABLE = headerWord(HEAP.MM_TABLE_LOCK);

interface Scene {
  readonly heap: Heap;
  readonly mem: SharedMemory;
  readonly thread: Thread;
  readonly other: Thread;
}

function makeScene(): Scene {
  const made = makeHeap();
  const identity = { name: 'renderer', atSeconds: 86_400, worker: null };
  const other = attachThread(made.heap, 'epoch', LOCK_WAITS, identity);
  return { ...made, other };
}

const NAMED = { thread: 1, name: 'renderer', attachedAtMs: 86_400_000 };

describe('what holds up a wait', () => {
  it('is a reader, who has a queue, who runs its callbacks, or who has a lock', () => {
    const { heap, mem, thread, other } = makeScene();
    const field = (name: keyof typeof THREAD): Word => at(other.record, THREAD[name]);
    const barrier: Barrier = { queue: other.id, moved: false, left: 0 };
    const now = (): unknown => heldUpBarrier(heap, barrier);
    const nobody = { cause: 'callbacks', thread: null, name: null, attachedAtMs: null, of: null };
    expect([heldUpGrace(heap), now()]).toEqual([null, nobody]);
    acquire(thread, SUPPLY);
    const unnamed = { thread: 0, name: null, attachedAtMs: null };
    expect(now()).toEqual({ cause: 'lock', ...unnamed, of: 'the supply' });
    rcuReadLock(other);
    advanceGrace(heap);
    const reader = { cause: 'reader', ...NAMED, of: null };
    expect([heldUpGrace(heap), now()]).toEqual([reader, reader]);
    mem.store(field('QUEUE_RUNNERS'), 1 << other.id);
    expect(now()).toEqual({ ...reader, cause: 'callbacks' });
    // Of two the lower number.
    mem.or(field('QUEUE_RUNNERS'), 1 << thread.id);
    expect(now()).toEqual({ cause: 'callbacks', ...unnamed, of: null });
    mem.store(field('QUEUE_LOCK'), thread.id + 1);
    expect(now()).toEqual({ cause: 'queue', ...unnamed, of: 'thread 1 (renderer)' });
    expect(blockersOf(heap).map(({ cause }) => cause)).toEqual([
      'reader',
      'queue',
      'callbacks',
      'lock',
    ]);
  });

  it('is who took callbacks, from then on and until they are counted as over', () => {
    const { heap, mem, thread, other } = makeScene();
    const barrier = beginBarrier(1);
    const head = heap.pagesAt;
    callRcu(thread, head, 0);
    const take = (): Word | 0 => {
      advanceGrace(heap);
      return takeRipe(other, thread.id, 1);
    };
    expect([take(), take(), take()]).toContain(head);
    expect(heldUpBarrier(heap, barrier)).toEqual({ cause: 'callbacks', ...NAMED, of: null });
    runCallback(other, [() => {}], head);
    expect(heldUpBarrier(heap, barrier)).toEqual({ cause: 'callbacks', ...NAMED, of: null });
    mem.store(at(thread.record, THREAD.QUEUE_RUNNERS), 0);
    expect(heldUpBarrier(heap, barrier)).toMatchObject({ thread: null });
  });

  it('is said by a wait for callbacks, until that is over', () => {
    const { thread, other, heap } = makeScene();
    const wait = waitForCallbacks(thread, [() => {}]);
    callRcu(other, heap.pagesAt, 0);
    rcuReadLock(other);
    expect([wait.isOver(), wait.heldUp()]).toEqual([
      false,
      { cause: 'reader', ...NAMED, of: null },
    ]);
    rcuReadUnlock(other);
    expect([wait.isOver(), wait.heldUp()]).toEqual([true, null]);
  });

  it('is a qsbr thread that is online, which is not said to read', () => {
    const { heap } = makeScene();
    const third = attachThread(heap, 'qsbr');
    rcuOnline(third);
    advanceGrace(heap);
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'online', thread: third.id });
    rcuReadLock(third);
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'reader', thread: third.id });
  });

  it('is not a qsbr thread that was quiescent', () => {
    const { heap } = makeScene();
    const third = attachThread(heap, 'qsbr');
    rcuOnline(third);
    advanceGrace(heap);
    quiescent(third);
    expect(heldUpGrace(heap)).toBe(null);
  });
});

describe('a reader that waits for a lock', () => {
  it('is not named, but who has the lock, along a chain of two', () => {
    const { heap, mem, thread } = makeHeap({ memory: (words) => new HookMemory(words), spins: 0 });
    const hooked = mem as unknown as HookMemory;
    const reader = attachThread(heap, 'epoch', { lookMs: 1, stallMs: 1 });
    const dead = attachThread(heap, 'epoch');
    rcuReadLock(reader);
    acquire(thread, SUPPLY);
    acquire(dead, TABLE);
    // The reader waits for the supply, whose holder waits for what a dead thread has.
    mem.store(at(thread.record, THREAD.SLEEPS_FOR), TABLE);
    advanceGrace(heap);
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'reader', thread: reader.id });
    const seen: unknown[] = [];
    hooked.once(
      (access) => access === 'awaitChange',
      () => seen.push(heldUpGrace(heap), ...blockersOf(heap)),
    );
    expect(acquireWithin(reader, SUPPLY, 1)).toBe(false);
    const blamed = { cause: 'lock', thread: dead.id, of: 'the table of mms' };
    // Whatever it is that is held, one thread is at the end of every chain.
    expect(seen).toMatchObject([blamed, blamed]);
    // It waits no more.
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'reader', thread: reader.id });
    expect(mem.load(at(reader.record, THREAD.SLEEPS_FOR))).toBe(0);
  });

  it('is named with some other where each waits for the other', () => {
    const { heap, mem, thread, other } = makeScene();
    rcuReadLock(other);
    acquire(thread, SUPPLY);
    acquire(other, TABLE);
    mem.store(at(thread.record, THREAD.SLEEPS_FOR), TABLE);
    mem.store(at(other.record, THREAD.SLEEPS_FOR), SUPPLY);
    advanceGrace(heap);
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'lock' });
    release(thread, SUPPLY);
    expect(heldUpGrace(heap)).toMatchObject({ cause: 'reader', thread: other.id });
  });
});

describe('a thread that has the lock itself', () => {
  it('does not wait for it: an operation of its own was broken off', () => {
    const { thread } = makeHeap({ spins: 0 });
    acquire(thread, SUPPLY);
    const message =
      'waiting for a lock that this thread has itself, since an operation of it was broken off: ' +
      'no end after 0 ms, thread 0 holds the lock of the supply';
    expect(() => acquire(thread, SUPPLY)).toThrow(message);
    expect(acquireWithin(thread, SUPPLY, Number.POSITIVE_INFINITY)).toBe(false);
  });
});
