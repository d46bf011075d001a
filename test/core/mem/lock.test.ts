/** The lock: its word, its sleepers, and what becomes of them when a rule is broken. */
import { describe, expect, it } from 'vitest';
import type { MmId, Pfn, Word } from '#src/core/base/units.js';
import {
  type Heap,
  headerWord,
  mmRecord,
  pageAddress,
  type Thread,
  withLockWaits,
} from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import {
  acquire,
  acquireWithin,
  breakRule,
  isHeldElsewhere,
  lockStalled,
  release,
  SLEEPERS,
  threadInside,
} from '#src/core/mem/lock.js';
import { tableLock } from '#src/core/pgtable/lock.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { checkClean, makeHeap } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';
import { runJobs, sharedWords, valuesOf } from '../../support/threads.js';

const SUPPLY = headerWord(HEAP.SUPPLY_LOCK);
const MM_1 = 1 as MmId;

/** One heap with three threads' handles, and a hook into the seam. */
function makeHooked(): { heap: Heap; mem: HookMemory; threads: [Thread, Thread, Thread] } {
  const { heap, mem, thread } = makeHeap({ memory: (words) => new HookMemory(words), spins: 0 });
  const threads = [thread, attachThread(heap, 'epoch'), attachThread(heap, 'epoch')];
  return { heap, mem: mem as HookMemory, threads: threads as [Thread, Thread, Thread] };
}

describe('a free lock', () => {
  it('is taken and let go, and its word names the owner meanwhile', () => {
    const { heap, mem } = makeHeap();
    const other = attachThread(heap, 'epoch');
    for (const lock of [SUPPLY, headerWord(HEAP.MM_TABLE_LOCK), mmRecord(heap, MM_1)]) {
      acquire(other, lock);
      expect(mem.load(lock)).toBe(other.id + 1);
      release(other, lock);
      expect(mem.load(lock)).toBe(0);
    }
    checkClean(heap);
  });

  it('is taken with one compare-and-swap and no other access', () => {
    const { mem, threads } = makeHooked();
    const seen: string[] = [];
    mem.watch((access, word) => seen.push(`${access} ${word}`));
    acquire(threads[0], SUPPLY);
    release(threads[0], SUPPLY);
    expect(seen).toEqual([`cas ${SUPPLY}`, `exchange ${SUPPLY}`]);
  });
});

describe('a lock that is held', () => {
  const isWait = (access: string, word: Word): boolean =>
    access === 'awaitChange' && word === SUPPLY;

  it('is not slept for when it is let go just before: no wake-up is lost', () => {
    const { mem, threads } = makeHooked();
    const [holder, waiter] = threads;
    acquire(holder, SUPPLY);
    mem.once(isWait, () => {
      expect(mem.load(SUPPLY)).toBe((holder.id + 1) | SLEEPERS);
      release(holder, SUPPLY);
    });
    acquire(waiter, SUPPLY);
    // Others may sleep for all that the waiter knows: it must notify when it lets go.
    expect(mem.load(SUPPLY)).toBe((waiter.id + 1) | SLEEPERS);
    release(waiter, SUPPLY);
    expect([mem.load(SUPPLY), mem.armed]).toEqual([0, false]);
  });

  it('is not slept for when it is let go before the waiter says that it will sleep', () => {
    const { mem, threads } = makeHooked();
    const [holder, waiter, third] = threads;
    acquire(holder, SUPPLY);
    let attempts = 0;
    // The second CAS of the waiter is the one that sets S.
    mem.once(
      (access) => access === 'cas' && ++attempts === 2,
      () => {
        release(holder, SUPPLY);
        acquire(third, SUPPLY);
        mem.once(isWait, () => release(third, SUPPLY));
      },
    );
    acquire(waiter, SUPPLY);
    expect(mem.load(SUPPLY) & ~SLEEPERS).toBe(waiter.id + 1);
  });

  it('is taken at once when it is let go before the waiter says that it will sleep', () => {
    const { mem, threads } = makeHooked();
    const [holder, waiter] = threads;
    acquire(holder, SUPPLY);
    const seen: string[] = [];
    mem.watch((access, word) => {
      if (word !== SUPPLY) return;
      seen.push(access);
      // The compare-and-swap that would set S: it finds the lock free.
      if (access === 'cas' && seen.filter((each) => each === 'cas').length === 2) {
        mem.poke(SUPPLY, 0);
      }
    });
    // Even who has no time at all to wait gets it.
    expect(acquireWithin(waiter, SUPPLY, 0)).toBe(true);
    expect(seen).toEqual(['cas', 'load', 'cas', 'cas']);
  });

  /** A waiter takes a lock that is let go at an access; how often it has looked, with 7 spins. */
  const lookedUntil = (isTime: (access: string, loads: number) => boolean) => {
    const { heap, mem, thread } = makeHeap({ memory: (words) => new HookMemory(words), spins: 7 });
    const waiter = attachThread(heap, 'epoch');
    acquire(thread, SUPPLY);
    let loads = 0;
    (mem as HookMemory).once(
      (access, word) => {
        if (access === 'load' && word === SUPPLY) loads++;
        return isTime(access, loads);
      },
      () => release(thread, SUPPLY),
    );
    acquire(waiter, SUPPLY);
    return { mem, waiter, loads };
  };

  it('is tried as often as the heap says before anybody sleeps', () => {
    const { mem, waiter } = lookedUntil((_, loads) => loads === 7);
    // Taken while spinning: nobody sleeps, and the word says so.
    expect(mem.load(SUPPLY)).toBe(waiter.id + 1);
  });

  it('is not tried more often', () => {
    // The eighth is the first look of a thread that means to sleep.
    expect(lookedUntil((access) => access === 'awaitChange').loads).toBe(8);
  });

  it('throws what is broken, instead of sleeping, at whoever is about to sleep', () => {
    const { heap, mem, threads } = makeHooked();
    const [holder, waiter, third] = threads;
    acquire(holder, SUPPLY);
    mem.once(isWait, () => {
      expect(() => breakRule(heap, 4, 'planted')).toThrow('P4 does not hold: planted');
    });
    expect(() => acquire(waiter, SUPPLY)).toThrow(expect.objectContaining({ rule: 'P4' }));
    expect(() => acquire(third, SUPPLY)).toThrow('found by another thread, which stopped');
    expect(mem.load(SUPPLY)).toBe(holder.id + 1);
  });

  it('throws at a second waiter too, and that one does not put the first to sleep', () => {
    const { heap, mem, threads } = makeHooked();
    const [holder, waiter, second] = threads;
    acquire(holder, SUPPLY);
    mem.once(isWait, () => {
      expect(() => breakRule(heap, 3, 'planted')).toThrow('P3');
      expect(() => acquire(second, SUPPLY)).toThrow('P3');
    });
    expect(() => acquire(waiter, SUPPLY)).toThrow(expect.objectContaining({ rule: 'P3' }));
  });
});

describe('a wait for a lock', () => {
  const isWait = (access: string, word: Word): boolean =>
    access === 'awaitChange' && word === SUPPLY;

  it.each([
    ['the supply', (): Word => SUPPLY],
    ['the table of mms', (): Word => headerWord(HEAP.MM_TABLE_LOCK)],
    ['mm 1', (heap: Heap): Word => mmRecord(heap, MM_1)],
    ['all mms', (heap: Heap): Word => mmRecord(heap, 0 as MmId)],
    ['the tables in page 3', (heap: Heap): Word => tableLock(heap, pageAddress(heap, 3 as Pfn))],
  ])('of %s ends with the name of the thread inside', (name, lockOf) => {
    const { heap, threads } = makeHooked();
    const [holder, other] = threads;
    const waiter = withLockWaits(other, { lookMs: 1, stallMs: 3 });
    const lock = lockOf(heap);
    acquire(holder, lock);
    expect(acquireWithin(waiter, lock, 3)).toBe(false);
    expect(() => acquire(waiter, lock)).toThrow(
      expect.objectContaining({
        name: 'StallError',
        waitsFor: 'lock',
        thread: holder.id,
        unfinished: null,
        message: expect.stringMatching(
          `: no end after 3 ms, thread ${holder.id} .* lock of ${name}$`,
        ),
      }),
    );
    // S stays: it is a waiter's who may still be there.
    expect(heap.mem.load(lock)).toBe((holder.id + 1) | SLEEPERS);
    release(holder, lock);
    acquire(waiter, lock);
    expect(threadInside(heap.mem.load(lock))).toBe(other.id);
    release(waiter, lock);
  });

  it('counts only the time with one thread inside', () => {
    const { mem, threads } = makeHooked();
    const [one, two, three] = threads;
    const waiter = withLockWaits(three, { lookMs: 1, stallMs: 3 });
    acquire(one, SUPPLY);
    let waits = 0;
    mem.watch((access, word) => {
      if (!isWait(access, word) || ++waits >= 20) return;
      const [inside, next] = waits % 2 === 1 ? [one, two] : [two, one];
      // Without the seam's own notify: this thread is the one that is about to sleep.
      release(inside, SUPPLY);
      acquire(next, SUPPLY);
    });
    expect(() => acquire(waiter, SUPPLY)).toThrow('the lock of the supply');
    expect(waits).toBe(22);
  });

  it('begins anew where the next thread came in just when the time was over', () => {
    const { mem, threads } = makeHooked();
    const [one, two, three] = threads;
    const waiter = withLockWaits(three, { lookMs: 1, stallMs: 3 });
    acquire(one, SUPPLY);
    let [waits, hasSlept] = [0, false];
    mem.watch((access, word) => {
      if (word !== SUPPLY) return;
      if (access === 'load' && hasSlept && waits < 20) {
        mem.poke(SUPPLY, ((waits % 2 === 1 ? two : one).id + 1) | SLEEPERS);
      }
      hasSlept = access === 'awaitChange';
      if (hasSlept) waits++;
    });
    expect(acquireWithin(waiter, SUPPLY, 3)).toBe(false);
    expect(waits).toBe(22);
  });

  it('says so where the lock is its own, which it would wait for for ever', () => {
    const { threads } = makeHooked();
    const [own, other] = threads;
    acquire(own, SUPPLY);
    expect(acquireWithin(own, SUPPLY, 1000)).toBe(false);
    const text = 'that this thread has itself';
    expect(lockStalled(own, SUPPLY).message).toContain(text);
    expect(lockStalled(other, SUPPLY).message).not.toContain(text);
    expect([isHeldElsewhere(own, SUPPLY), isHeldElsewhere(other, SUPPLY)]).toEqual([false, true]);
    release(own, SUPPLY);
    expect(isHeldElsewhere(other, SUPPLY)).toBe(false);
  });

  it('names nobody where the lock was let go of in the last moment', () => {
    const { heap, threads } = makeHooked();
    expect(lockStalled(threads[0], SUPPLY).thread).toBe(null);
    expect(lockStalled(threads[0], SUPPLY, 'a page is lost').message).toContain('; a page is lost');
    checkClean(heap);
  });
});

describe('on threads', () => {
  const TIMES = 100_000;

  it.each([
    { spins: 100, maySleep: true },
    { spins: 0, maySleep: true },
    { spins: 10, maySleep: false },
  ])('two count to 200000 in a plain word (spins $spins, sleeping $maySleep)', async (how) => {
    const { heap, mem } = makeHeap({ spins: how.spins, debug: false });
    const [lock, word] = [mmRecord(heap, MM_1), heap.pagesAt];
    const job = { job: 'increment', lock, word, times: TIMES, maySleep: how.maySleep };
    expect(valuesOf(await runJobs('lock', heap, [job, job]))).toEqual([TIMES, TIMES]);
    expect(mem.load(word)).toBe(2 * TIMES);
    expect(mem.load(lock)).toBe(0);
    checkClean(heap);
  });

  it('sleepers are woken, each, by a holder that slept', async () => {
    const { heap, mem } = makeHeap({ spins: 1 });
    const lock = mmRecord(heap, MM_1);
    const takers = Array.from({ length: 3 }, () => ({ job: 'takeOnce', lock }));
    const jobs = [{ job: 'hold', lock }, ...takers];
    const [held, ...taken] = valuesOf<number>(await runJobs('lock', heap, jobs, sharedWords(2)));
    expect(held).toBeLessThan(0);
    const owners = [(held as number) & ~SLEEPERS, ...taken];
    expect(owners.sort()).toEqual([2, 3, 4, 5]);
    expect(mem.load(lock)).toBe(0);
  });

  it('one that may not sleep spins until the lock is free', async () => {
    const { heap } = makeHeap({ spins: 1 });
    const lock = mmRecord(heap, MM_1);
    const jobs = [
      { job: 'holdFor', lock, ms: 20 },
      { job: 'takeOnce', lock, maySleep: false },
    ];
    const [othersBefore] = valuesOf(await runJobs('lock', heap, jobs, sharedWords(2)));
    expect(othersBefore).toBe(0);
  });

  it('a sleeper looks again: a wake-up that went to a dead thread costs a look', async () => {
    const { heap, mem } = makeHeap({ spins: 1 });
    const lock = mmRecord(heap, MM_1);
    const jobs = [
      { job: 'holdThenWakeNobody', lock },
      { job: 'takeOnce', lock },
    ];
    const outcomes = valuesOf(await runJobs('lock', heap, jobs, sharedWords(2)));
    expect(outcomes.map(Number).sort()).toEqual([2, 3]);
    expect(mem.load(lock)).toBe(0);
  });

  it('sleepers are woken by a broken rule and throw it', async () => {
    const { heap } = makeHeap({ spins: 1 });
    const lock = mmRecord(heap, MM_1);
    const takers = Array.from({ length: 3 }, () => ({ job: 'takeOnce', lock }));
    const jobs = [{ job: 'breakWhileHeld', lock }, ...takers];
    const outcomes = await runJobs('lock', heap, jobs, sharedWords(2));
    expect(outcomes.map(({ error }) => [error?.name, error?.rule])).toEqual(
      Array(4).fill(['InvariantError', 'P4']),
    );
    expect(outcomes[0]?.error?.message).toContain('planted');
    expect(outcomes[1]?.error?.message).toContain('found by another thread');
  });
});
