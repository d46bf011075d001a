/** Trying again what found nothing left: how often, for how long, and what ends it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type ThreadId, type Word } from '#src/core/base/units.js';
import type { Thread } from '#src/core/mem/heap.js';
import { headsOf } from '#src/core/mem/places.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { type Callback, callRcu } from '#src/core/rcu/callback.js';
import { beginObtaining, retryWhileRipe, tryObtain } from '#src/core/rcu/obtain.js';
import { hasCallbacks } from '#src/core/rcu/queue.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { BARRIERS, beginBarrier } from '#src/core/rcu/wait.js';
import { makeHeap } from '../../support/heap.js';

const BATCH = 4;

/** Looks without a callback, after which there is none. */
const IDLE_ROUNDS = 2;

describe('obtaining', () => {
  let thread: Thread;
  let others: Thread[];
  let head: Word;
  let ran: number;
  let attempts: number;
  let callbacks: Callback[];

  beforeEach(() => {
    ({ thread } = makeHeap());
    others = [attachThread(thread.heap, 'epoch'), attachThread(thread.heap, 'epoch')];
    head = at(thread.heap.pagesAt, 4);
    [ran, attempts] = [0, 0];
    const runs: Callback = ({ mem }, own) => {
      ran++;
      mem.poke(own, 0);
    };
    // The second is never done: it queues its head anew.
    const goesOn: Callback = (by, own) => {
      ran++;
      callRcu(by, own, 1);
    };
    callbacks = [runs, goesOn];
  });

  const nothing = (): null => {
    attempts++;
    return null;
  };

  const hasRun = (): string | null => {
    attempts++;
    return ran > 0 ? 'found' : null;
  };

  const step = (attempt: () => unknown, from = beginObtaining()): ReturnType<typeof tryObtain> =>
    tryObtain(thread, callbacks, BATCH, from, attempt);

  it('looks twice where nothing is ripe, and no more', () => {
    expect([retryWhileRipe(thread, callbacks, BATCH, nothing), attempts]).toEqual([null, 2]);
  });

  it('goes on after each round in which a callback ran, and ends with what it finds', () => {
    for (const [index, each] of [thread, ...others].entries()) {
      callRcu(each, at(head, 4 * index), 0);
    }
    const two = (): number | null => (ran >= 2 ? ran : nothing());
    expect(retryWhileRipe(thread, callbacks, BATCH, two)).toBe(3);
    const before = attempts;
    callRcu(thread, head, 0);
    retryWhileRipe(thread, callbacks, BATCH, nothing);
    expect([ran, attempts - before > IDLE_ROUNDS]).toEqual([4, true]);
  });

  it('ends where callbacks never do', () => {
    callRcu(thread, head, 1);
    expect(retryWhileRipe(thread, callbacks, BATCH, nothing)).toBe(null);
    expect(ran).toBe(IDLE_ROUNDS * headsOf(thread.heap));
  });

  it('is in vain once as many barriers are over as what was freed before needs', () => {
    expect(step(nothing)).toEqual({ kind: 'in-vain' });
    expect(attempts).toBe(IDLE_ROUNDS * (BARRIERS + 1));
  });

  it.each([0, 1, 2])('waits for what thread %d frees during the last look', (id) => {
    const by = [thread, ...others][id] as Thread;
    const frees = (): string | null => {
      const found = hasRun();
      if (attempts === IDLE_ROUNDS * (BARRIERS + 1)) callRcu(by, head, 0);
      return found;
    };
    expect(step(frees)).toEqual({ kind: 'found', result: 'found' });
  });

  it('waits while a reader holds up what was freed, and finds it afterwards', () => {
    const [reader] = others as [Thread];
    rcuReadLock(reader);
    callRcu(thread, head, 0);
    const waits = step(hasRun);
    expect(waits.kind).toBe('waits');
    if (waits.kind !== 'waits') return;
    expect(waits.next).toEqual(beginObtaining());
    rcuReadUnlock(reader);
    expect(step(hasRun, waits.next)).toEqual({ kind: 'found', result: 'found' });
    expect(hasCallbacks(thread.heap, thread.id)).toBe(false);
  });

  it('lets others go on after some barriers, and then begins a whole one', () => {
    callRcu(thread, head, 1);
    retryWhileRipe(thread, callbacks, BATCH, nothing);
    const perRound = attempts;
    attempts = 0;
    const from = { barrier: { queue: 2 as ThreadId, moved: true, left: 0 }, round: 5 };
    const next = { barrier: beginBarrier(1), round: 13 };
    expect(step(nothing, from)).toEqual({ kind: 'waits', next });
    expect(Math.round(attempts / perRound)).toBe(8);
  });
});
