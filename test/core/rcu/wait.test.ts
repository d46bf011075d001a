/** Waiting for grace periods and for callbacks: how far a wait goes, and where none is allowed. */
import { describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import { breakRule } from '#src/core/mem/lock.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';
import { type Callback, callRcu, pollAll, runCallback } from '#src/core/rcu/callback.js';
import { advanceGrace, graceAhead, graceEnded, graceStarted } from '#src/core/rcu/grace-period.js';
import { takeRipe } from '#src/core/rcu/queue.js';
import { rcuOnline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { pollInterval, reclaim, resumeReclaimers, stopReclaimers } from '#src/core/rcu/reclaim.js';
import {
  type Barrier,
  beginBarrier,
  rcuBarrier,
  refuseWait,
  synchronizeRcu,
  tryBarrier,
  tryGrace,
} from '#src/core/rcu/wait.js';
import { checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';

interface Waits {
  readonly heap: Heap;
  readonly mem: SharedMemory;
  readonly thread: Thread;
  readonly other: Thread;
  readonly heads: Word[];
  readonly ran: Word[];
  readonly callbacks: Callback[];
}

function makeWaits(maySleep = true): Waits {
  const made = makeHeap({ memory: (words) => new SharedMemory(words, maySleep) });
  const { heap, mem } = made;
  const ran: Word[] = [];
  const note: Callback = (_, head) => {
    ran.push(head);
    mem.poke(head, 0);
  };
  const heads = Array.from({ length: 9 }, (_, i) => at(heap.pagesAt, 4 * i));
  return { ...made, other: attachThread(heap, 'epoch'), heads, ran, callbacks: [note] };
}

/** Steps of a barrier until it is over, at most `max`; whether it is. */
function stepBarrier(waits: Waits, barrier: Barrier | null, max = 40): Barrier | null {
  let now = barrier;
  for (let i = 0; i < max && now !== null; i++)
    now = tryBarrier(waits.thread, waits.callbacks, now);
  return now;
}

describe('synchronizeRcu', () => {
  it('returns after a grace period that began after the call', () => {
    const { heap, thread } = makeWaits();
    for (let i = 0; i < 10; i++) {
      // Sometimes one is under way, which is not enough.
      if (i % 2 === 0) advanceGrace(heap);
      const n = graceAhead(heap);
      synchronizeRcu(thread);
      expect(graceEnded(heap, n)).toBe(true);
    }
  });

  it('takes steps that each end while a reader is inside', () => {
    const { heap, thread, other } = makeWaits();
    rcuReadLock(other);
    const n = graceAhead(heap);
    expect([1, 2, 3].map(() => tryGrace(thread, n))).toEqual([false, false, false]);
    rcuReadUnlock(other);
    expect(tryGrace(thread, n)).toBe(true);
  });

  it('does not wait for the qsbr thread that waits, and leaves it offline', () => {
    const { heap, mem } = makeWaits();
    const qsbr = attachThread(heap, 'qsbr');
    for (const online of [false, true]) {
      if (online) rcuOnline(qsbr);
      const n = graceAhead(heap);
      synchronizeRcu(qsbr);
      expect(graceEnded(heap, n)).toBe(true);
    }
    // Who was offline before, because it goes back to its event loop, does not hold up others.
    detachThread(qsbr);
    const idle = attachThread(heap, 'qsbr');
    synchronizeRcu(idle);
    expect(mem.load(at(idle.record, THREAD.READER))).toBe(0);
  });
});

describe('rcuBarrier', () => {
  it('waits for callbacks in the queues of all threads, those that left included', () => {
    const waits = makeWaits();
    const { heap, thread, other, heads, ran, callbacks } = waits;
    const gone = attachThread(heap, 'epoch');
    const owners = [thread, other, gone];
    for (const [i, head] of heads.entries()) callRcu(owners[i % 3] as Thread, head, 0);
    detachThread(gone);
    rcuBarrier(thread, callbacks);
    expect(ran.sort()).toEqual(heads);
  });

  it('returns at once where nothing is queued, without a grace period', () => {
    const { heap, thread, callbacks } = makeWaits();
    const started = graceStarted(heap);
    rcuBarrier(thread, callbacks);
    expect(graceStarted(heap)).toBe(started);
  });

  it('waits while a reader holds up what was queued', () => {
    const waits = makeWaits();
    const { other, heads, ran } = waits;
    rcuReadLock(other);
    callRcu(other, heads[0] as Word, 0);
    const barrier = stepBarrier(waits, beginBarrier(1));
    expect([barrier?.queue, ran]).toEqual([other.id, []]);
    rcuReadUnlock(other);
    expect(stepBarrier(waits, barrier)).toBe(null);
    expect(ran).toEqual([heads[0]]);
  });

  it('waits for what was queued behind a batch that waited already', () => {
    const { heap, thread, other, heads, ran, callbacks } = makeWaits();
    const [first, second, third] = heads as [Word, Word, Word];
    rcuReadLock(other);
    callRcu(thread, first, 0);
    pollAll(thread, callbacks, 9);
    expect(heap.mem.load(at(thread.record, THREAD.QUEUE_WAITING))).toBe(first);
    callRcu(thread, second, 0);
    callRcu(thread, third, 0);
    rcuReadUnlock(other);
    for (let i = 0; i < 4; i++) advanceGrace(heap);
    rcuBarrier(thread, callbacks);
    expect(ran.sort()).toEqual([first, second, third]);
  });

  it('waits for callbacks that another thread has taken and not yet run', () => {
    const waits = makeWaits();
    const { heap, mem, other, heads, ran, callbacks } = waits;
    callRcu(other, heads[0] as Word, 0);
    for (let i = 0; i < 3; i++) advanceGrace(heap);
    const taken = takeRipe(other, other.id, 9);
    // takeRipe moved it to the batch; the batch may need one more look.
    const head = taken !== 0 ? taken : takeRipe(other, other.id, 9);
    expect(head).toBe(heads[0]);
    const barrier = stepBarrier(waits, beginBarrier(1));
    expect([barrier?.queue, ran]).toEqual([other.id, []]);
    runCallback(other, callbacks, head as Word);
    expect(stepBarrier(waits, barrier)).not.toBe(null);
    mem.store(at(other.record, THREAD.QUEUE_RUNNERS), 0);
    expect(stepBarrier(waits, barrier)).toBe(null);
  });

  it('waits while another thread is at a queue, and goes on when it is not', () => {
    const waits = makeWaits();
    const { mem, other } = waits;
    const lock = at(other.record, THREAD.QUEUE_LOCK);
    mem.store(lock, other.id + 1);
    const barrier = stepBarrier(waits, beginBarrier(1));
    expect(barrier?.queue).toBe(other.id);
    mem.store(lock, 0);
    expect(stepBarrier(waits, barrier)).toBe(null);
  });

  it('does not wait for ever for callbacks that queue themselves again', () => {
    const { heap, thread, heads, callbacks } = makeWaits();
    let runs = 0;
    const again: Callback = (runner, head) => {
      runs++;
      callRcu(runner, head, 0);
    };
    callRcu(thread, heads[0] as Word, 0);
    rcuBarrier(thread, [again]);
    expect(runs).toBeGreaterThan(0);
    expect(runs).toBeLessThan(10);
    for (let i = 0; i < 4; i++) pollAll(thread, callbacks, 9);
    expect(heap.mem.peek(heads[0] as Word)).toBe(0);
  });
});

const WAITS: readonly [name: string, wait: (waits: Waits) => void][] = [
  ['synchronize', ({ thread }) => synchronizeRcu(thread)],
  ['barrier', ({ thread, callbacks }) => rcuBarrier(thread, callbacks)],
  ['reclaim', ({ thread, callbacks }) => reclaim(thread, callbacks)],
];

describe.each(WAITS)('%s', (name, wait) => {
  it('is refused inside a section, where it would wait for itself, and nothing changes', () => {
    const waits = makeWaits();
    rcuReadLock(waits.thread);
    const before = snapshot(waits.heap);
    expect(() => wait(waits)).toThrow(
      expect.objectContaining({ name: 'UsageError', code: 'inside-reader' }),
    );
    expect(() => wait(waits)).toThrow(`${name} inside a read section of thread 0`);
    checkUnchanged(waits.heap, before);
  });

  it('is refused inside a callback', () => {
    const waits = makeWaits();
    const { mem, thread, heads } = waits;
    const errors: unknown[] = [];
    const attempt = (): void => {
      try {
        wait(waits);
      } catch (error) {
        errors.push(error);
      }
    };
    const callback: Callback = (runner, head) => {
      attempt();
      // Without the section around all callbacks it is refused all the same.
      rcuReadUnlock(runner);
      attempt();
      rcuReadLock(runner);
      mem.poke(head, 0);
    };
    callRcu(thread, heads[0] as Word, 0);
    for (let i = 0; i < 4; i++) pollAll(thread, [callback], 9);
    expect(errors).toMatchObject([{ code: 'inside-reader' }, { code: 'inside-callback' }]);
    expect((errors[1] as Error).message).toContain(`${name} inside a callback`);
  });

  it('is refused on a thread that may not sleep, and what to use instead is said', () => {
    const waits = makeWaits(false);
    const twin = name === 'reclaim' ? 'poll' : `${name}Async`;
    expect(() => wait(waits)).toThrow(expect.objectContaining({ code: 'may-not-sleep' }));
    expect(() => wait(waits)).toThrow(new RegExp(`^${name} would block .*use ${twin}$`));
    expect(refuseWait(waits.thread, twin, null)).toBe(undefined);
  });
});

describe('a wait in a broken heap', () => {
  it.each(WAITS.slice(0, 2))('throws what is broken instead of waiting for ever: %s', (_, wait) => {
    const waits = makeWaits();
    const { heap, other } = waits;
    // Whoever breaks a rule inside a callback stays inside its section.
    rcuReadLock(other);
    callRcu(other, waits.heads[0] as Word, 0);
    expect(() => breakRule(heap, 4, 'planted')).toThrow('planted');
    expect(() => wait(waits)).toThrow(expect.objectContaining({ rule: 'P4' }));
  });
});

describe('a reclaimer', () => {
  it('returns after it was told to stop and nothing is ripe', () => {
    const { heap, mem, thread, other, heads, ran, callbacks } = makeWaits();
    for (const head of heads) callRcu(other, head, 0);
    const stopping: Callback = (runner, head) => {
      if (ran.length === 0) {
        expect(pollInterval(heap)).toBe(1024);
        stopReclaimers(heap);
      }
      callbacks[0]?.(runner, head);
    };
    expect(pollInterval(heap)).toBe(16);
    expect(reclaim(thread, [stopping])).toBe(heads.length);
    expect(ran.sort()).toEqual(heads);
    expect(pollInterval(heap)).toBe(16);
    expect(mem.load(headerWord(HEAP.RECLAIMERS))).toBe(0);
  });
});

describe('a stop of reclaimers', () => {
  it('counts though it comes before its reclaimer is in, until it is taken back', () => {
    const { heap, thread, other, heads, ran, callbacks } = makeWaits();
    for (const head of heads) callRcu(other, head, 0);
    stopReclaimers(heap);
    expect(reclaim(thread, callbacks)).toBe(heads.length);
    expect(ran.sort()).toEqual(heads);
    expect(reclaim(thread, callbacks)).toBe(0);
    resumeReclaimers(heap);
    callRcu(other, heads[0] as Word, 0);
    let calls = 0;
    const later: Callback = (runner, head) => {
      calls++;
      stopReclaimers(heap);
      callbacks[0]?.(runner, head);
    };
    expect(reclaim(thread, [later])).toBe(1);
    expect(calls).toBe(1);
  });

  it('ends reclaimers though there is always something ripe', () => {
    const { heap, thread, other, heads } = makeWaits();
    callRcu(other, heads[0] as Word, 0);
    const again: Callback = (runner, head) => callRcu(runner, head, 0);
    stopReclaimers(heap);
    const ran = reclaim(thread, [again]);
    expect(ran).toBeGreaterThan(10);
    expect(ran).toBeLessThan(1000);
  });
});
