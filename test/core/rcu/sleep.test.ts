/** When a thread that waits sleeps: after each step that was in vain, and only then. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { type Callback, callRcu } from '#src/core/rcu/callback.js';
import { isWaitedFor, rcuOnline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { reclaim, stopReclaimers } from '#src/core/rcu/reclaim.js';
import { blockUntil, synchronizeRcu } from '#src/core/rcu/wait.js';
import { makeHeap } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

const COMPLETED = headerWord(HEAP.GP_COMPLETED);
const STOP = headerWord(HEAP.RECLAIM_STOP);

describe('a thread that waits', () => {
  let heap: Heap;
  let mem: HookMemory;
  let thread: Thread;
  let said: string[];

  beforeEach(() => {
    const made = makeHeap({ memory: (words) => new HookMemory(words) });
    heap = made.heap;
    mem = made.mem as HookMemory;
    thread = made.thread;
    said = [];
    onSleep(() => {});
  });

  /** Notes each sleep, by its word, and does something before it. */
  function onSleep(act: (sleeps: number) => void): void {
    let sleeps = 0;
    mem.watch((access, word) => {
      if (access !== 'awaitChange') return;
      said.push(nameOf(word));
      act(++sleeps);
    });
  }

  const nameOf = (word: Word): string => {
    if (word === COMPLETED) return 'sleeps for a grace period';
    return word === STOP ? 'sleeps for a stop' : `sleeps for word ${word}`;
  };

  it('sleeps after each step that was in vain, and looks around after each sleep', () => {
    let steps = 0;
    const isOver = (): boolean => {
      said.push('step');
      return ++steps === 3;
    };
    blockUntil(thread, isOver, () => said.push('looks'));
    const round = ['step', 'sleeps for a grace period', 'looks'];
    expect(said).toEqual([...round, ...round, 'step']);
  });

  it('sleeps for a reader once a step, and no more when that has left', () => {
    const reader = attachThread(heap, 'epoch');
    rcuReadLock(reader);
    onSleep((sleeps) => {
      if (sleeps === 3) rcuReadUnlock(reader);
    });
    synchronizeRcu(thread);
    expect(said).toEqual(new Array(3).fill('sleeps for a grace period'));
  });

  it('reclaims: it sleeps where nothing ran, offline, and not otherwise', () => {
    const qsbr = attachThread(heap, 'qsbr');
    const owner = attachThread(heap, 'epoch');
    const head = at(heap.pagesAt, 4);
    const callbacks: Callback[] = [
      (by, own) => {
        said.push('runs');
        by.mem.poke(own, 0);
      },
    ];
    rcuOnline(qsbr);
    onSleep((sleeps) => {
      expect(isWaitedFor(heap, qsbr.id)).toBe(false);
      if (sleeps === 2) callRcu(owner, head, 0);
      if (sleeps === 6) stopReclaimers(heap);
    });
    expect(reclaim(qsbr, callbacks)).toBe(1);
    expect(said.filter((what) => what !== 'sleeps for a stop')).toEqual(['runs']);
    // After a round in which something ran the next comes at once: the sixth sleep is the last.
    expect(said.length).toBe(7);
  });

  it('reclaims no further round where it was stopped and nothing is ripe', () => {
    let looks = 0;
    stopReclaimers(heap);
    mem.watch((access, word) => {
      if (access === 'load' && word === STOP) looks++;
    });
    expect(reclaim(thread, [])).toBe(0);
    expect(looks).toBe(1);
  });

  it('reclaims for a few rounds after a stop, where something is ripe all the time', () => {
    const head = at(heap.pagesAt, 4);
    let ran = 0;
    const again: Callback = (by, own) => {
      ran++;
      callRcu(by, own, 0);
    };
    callRcu(thread, head, 0);
    stopReclaimers(heap);
    expect(reclaim(thread, [again])).toBe(64);
    expect([ran, said]).toEqual([64, []]);
  });
});
