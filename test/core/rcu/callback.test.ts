/** Callbacks: each runs once, after its grace period, on whatever thread, and never in another. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, type GracePeriod, type ThreadId, type Word } from '#src/core/base/units.js';
import { type Heap, headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';
import {
  type Callback,
  callRcu,
  poll,
  pollAll,
  REFUSED,
  runCallback,
  serveQueue,
} from '#src/core/rcu/callback.js';
import { advanceGrace, graceStarted, isBefore, successor } from '#src/core/rcu/grace-period.js';
import { takeQueued, waitsFor } from '#src/core/rcu/manual.js';
import { retryWhileRipe } from '#src/core/rcu/obtain.js';
import { hasCallbacks, owedBy, takeRipe } from '#src/core/rcu/queue.js';
import { isReading, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { makeHeap } from '../../support/heap.js';

/** Rcu heads in the unused page area of a heap. */
const HEADS_MAX = 30;

interface Queues {
  readonly heap: Heap;
  readonly mem: SharedMemory;
  readonly thread: Thread;
  readonly others: Thread[];
  readonly heads: Word[];
  /** Heads whose callback has run, in order. */
  readonly ran: number[];
  readonly callbacks: Callback[];
}

/** A heap with some threads; the callback of kind 0 writes down its head and leaves it idle. */
function makeQueues(others = 2): Queues {
  const { heap, mem, thread } = makeHeap({ completed: 2 ** 31 - 6 });
  const heads = Array.from({ length: HEADS_MAX }, (_, i) => at(heap.pagesAt, 4 * i));
  const ran: number[] = [];
  const note: Callback = (_, head) => {
    ran.push(heads.indexOf(head));
    mem.poke(head, 0);
  };
  const threads = Array.from({ length: others }, () => attachThread(heap, 'epoch'));
  return { heap, mem, thread, others: threads, heads, ran, callbacks: [note] };
}

/** Enough polls for what is queued now, if no reader is inside. */
function pollOften(thread: Thread, callbacks: readonly Callback[]): void {
  for (let i = 0; i < 8; i++) pollAll(thread, callbacks, 100);
}

describe('a callback', () => {
  it('runs once, after a grace period, and not while a reader of before is inside', () => {
    const { thread, others, heads, ran, callbacks } = makeQueues();
    const [reader] = others as [Thread, Thread];
    rcuReadLock(reader);
    callRcu(thread, heads[0] as Word, 0);
    pollOften(thread, callbacks);
    pollOften(reader, callbacks);
    expect(ran).toEqual([]);
    rcuReadUnlock(reader);
    pollOften(thread, callbacks);
    expect(ran).toEqual([0]);
    pollOften(thread, callbacks);
    expect(ran).toEqual([0]);
  });

  it('does not run in callRcu, nor while its own caller is inside', () => {
    const { thread, heads, ran, callbacks } = makeQueues();
    rcuReadLock(thread);
    for (const head of heads) callRcu(thread, head, 0);
    pollOften(thread, callbacks);
    expect(ran).toEqual([]);
    rcuReadUnlock(thread);
    expect(ran).toEqual([]);
    pollOften(thread, callbacks);
    expect(ran.sort((a, b) => a - b)).toEqual(heads.map((_, i) => i));
  });

  it('runs inside a section and says so, so that it can not wait', () => {
    const { mem, thread, heads } = makeQueues();
    const seen: unknown[] = [];
    callRcu(thread, heads[0] as Word, 0);
    const look: Callback = (runner, head) => {
      seen.push(isReading(runner), mem.load(at(runner.record, THREAD.IN_CALLBACK)));
      mem.poke(head, 0);
    };
    pollOften(thread, [look]);
    expect(seen).toEqual([true, 1]);
    expect(isReading(thread)).toBe(false);
    expect(mem.load(at(thread.record, THREAD.IN_CALLBACK))).toBe(0);
  });

  it('is the one that its kind names', () => {
    const { mem, thread, heads } = makeQueues();
    const ran: string[] = [];
    const named =
      (name: string): Callback =>
      (_, head) => {
        ran.push(name);
        mem.poke(head, 0);
      };
    callRcu(thread, heads[0] as Word, 2);
    callRcu(thread, heads[1] as Word, 0);
    pollOften(thread, ['a', 'b', 'c'].map(named));
    expect(ran.sort()).toEqual(['a', 'c']);
  });

  it('does not run inside another, whatever that one calls', () => {
    const { mem, thread, others, heads } = makeQueues();
    const depths: number[] = [];
    const inner: number[] = [];
    let depth = 0;
    const nest: Callback = (runner, head) => {
      depths.push(++depth);
      mem.poke(head, 0);
      inner.push(poll(runner, [nest], 9), pollAll(runner, [nest], 9));
      depth--;
    };
    for (const [i, owner] of [thread, ...others].entries()) callRcu(owner, heads[i] as Word, 0);
    pollOften(thread, [nest]);
    expect(depths).toEqual([1, 1, 1]);
    expect(new Set(inner)).toEqual(new Set([0]));
  });

  it('may queue its own head again and others, each for one more grace period', () => {
    const { heap, mem, thread, heads } = makeQueues();
    const startedAt: number[] = [];
    const again: Callback = (runner, head) => {
      mem.poke(head, 0);
      startedAt.push(graceStarted(heap));
      if (startedAt.length >= 5) return;
      callRcu(runner, head, 0);
      if (startedAt.length === 2) callRcu(runner, heads[9] as Word, 1);
    };
    let other = 0;
    const note: Callback = (_, head) => {
      other++;
      mem.poke(head, 0);
    };
    callRcu(thread, heads[0] as Word, 0);
    for (let i = 0; i < 30; i++) pollAll(thread, [again, note], 9);
    expect(startedAt).toHaveLength(5);
    startedAt.slice(1).forEach((n, i) => {
      expect(isBefore(startedAt[i] as number, n)).toBe(true);
    });
    expect(other).toBe(1);
    expect(hasCallbacks(heap, thread.id)).toBe(false);
  });

  it('of a thread that has left is run by others, and by who gets its record', () => {
    const { heap, others, thread, heads, ran, callbacks } = makeQueues();
    const [gone] = others as [Thread, Thread];
    callRcu(gone, heads[0] as Word, 0);
    detachThread(gone);
    pollOften(thread, callbacks);
    expect(ran).toEqual([0]);

    const next = attachThread(heap, 'epoch');
    expect(next.id).toBe(gone.id);
    callRcu(next, heads[1] as Word, 0);
    detachThread(next);
    const last = attachThread(heap, 'epoch');
    callRcu(last, heads[2] as Word, 0);
    for (let i = 0; i < 8; i++) poll(last, callbacks, 9);
    expect(ran.slice(1).sort()).toEqual([1, 2]);
  });
});

describe('polling', () => {
  it('runs a bounded number of callbacks, and all of them in the end', () => {
    const { thread, heads, ran, callbacks } = makeQueues();
    for (const head of heads) callRcu(thread, head, 0);
    advanceGrace(thread.heap);
    let count = 0;
    for (let i = 0; i < 20; i++) {
      const ranNow = poll(thread, callbacks, 4);
      expect(ranNow).toBeLessThanOrEqual(4);
      count += ranNow;
      expect(ran).toHaveLength(count);
    }
    expect(new Set(ran).size).toBe(HEADS_MAX);
    expect(count).toBe(HEADS_MAX);
  });

  it('serves every other queue in turn when its own is empty', () => {
    const { heap, others, thread, heads, ran, callbacks } = makeQueues(5);
    for (const [i, other] of others.entries()) callRcu(other, heads[i] as Word, 0);
    for (let i = 0; i < 4 * heap.threadsMax; i++) poll(thread, callbacks, 1);
    expect(ran.sort()).toEqual(others.map((_, i) => i));
  });

  it('serves the others too while its own queue always gives something', () => {
    const { heap, others, thread, heads, ran, callbacks } = makeQueues(5);
    for (const [i, other] of others.entries()) callRcu(other, heads[i] as Word, 0);
    const own = heads.at(-1) as Word;
    callRcu(thread, own, 0);
    const tireless: Callback = (runner, head) => {
      if (head === own) callRcu(runner, head, 0);
      else callbacks[0]?.(runner, head);
    };
    for (let i = 0; i < 4 * heap.threadsMax; i++) poll(thread, [tireless], 1);
    expect(ran.sort()).toEqual(others.map((_, i) => i));
  });

  it('counts what a thread has queued and nobody has run', () => {
    const { thread, heads, callbacks, others } = makeQueues();
    expect(owedBy(thread)).toBe(0);
    for (const [i, head] of heads.slice(0, 6).entries()) {
      callRcu(thread, head, 0);
      expect(owedBy(thread)).toBe(i + 1);
    }
    expect(poll(thread, callbacks, 4)).toBe(4);
    expect(owedBy(thread)).toBe(2);
    pollOften(others[0] as Thread, callbacks);
    expect(owedBy(thread)).toBe(0);
  });

  it('still counts what was taken and refused to run', () => {
    const { thread, heads } = makeQueues();
    for (const head of heads.slice(0, 3)) callRcu(thread, head, 0);
    const answers: unknown[] = [REFUSED, undefined, REFUSED, REFUSED, undefined, undefined];
    const fickle: Callback = ({ mem }, head) => {
      const answer = answers.shift();
      if (answer === undefined) mem.poke(head, 0);
      return answer;
    };
    const owed = Array.from({ length: 4 }, () => {
      poll(thread, [fickle], 9);
      return owedBy(thread);
    });
    expect(owed).toEqual([2, 1, 0, 0]);
  });

  it('tries again what found nothing for as long as anything is ripe, and no longer', () => {
    const { heap, thread, others, heads, ran, callbacks } = makeQueues();
    // A grace period is under way: what is queued waits for the next.
    rcuReadLock(thread);
    advanceGrace(heap);
    for (const head of heads) callRcu(others[0] as Thread, head, 0);
    rcuReadUnlock(thread);
    let tries = 0;
    const whenAllRan = (): number | null => {
      tries++;
      return ran.length === heads.length ? ran.length : null;
    };
    expect(retryWhileRipe(thread, callbacks, 1, whenAllRan)).toBe(heads.length);
    tries = 0;
    ran.length = 0;
    expect(retryWhileRipe(thread, callbacks, 1, whenAllRan)).toBe(null);
    expect(tries).toBe(2);
  });

  it('leaves a queue alone that another thread is at', () => {
    const { heap, mem, others, thread, heads, ran, callbacks } = makeQueues();
    const lock = at(thread.record, THREAD.QUEUE_LOCK);
    callRcu(thread, heads[0] as Word, 0);
    advanceGrace(heap);
    mem.store(lock, (others[0] as Thread).id + 1);
    expect(takeRipe(thread, thread.id, 9)).toBe(0);
    pollOften(thread, callbacks);
    expect([ran, mem.load(lock)]).toEqual([[], (others[0] as Thread).id + 1]);
    mem.store(lock, 0);
    pollOften(thread, callbacks);
    expect(ran).toEqual([0]);
  });

  it('takes a chain of as many heads as asked for, and counts itself in until they ran', () => {
    const { heap, mem, thread, heads, ran, callbacks } = makeQueues();
    for (const head of heads.slice(0, 5)) callRcu(thread, head, 0);
    for (let i = 0; i < 4; i++) advanceGrace(heap);
    const chain: number[] = [];
    for (let head = takeRipe(thread, thread.id, 3); head !== 0; ) {
      chain.push(heads.indexOf(head));
      head = mem.peek(at(head, 1)) as Word | 0;
    }
    expect(chain).toEqual([4, 3, 2]);
    expect(mem.load(at(thread.record, THREAD.QUEUE_RUNNERS))).toBe(1);
    expect(serveQueue(thread, callbacks, thread.id, 9)).toBe(2);
    expect(ran).toEqual([1, 0]);
    expect(hasCallbacks(heap, thread.id)).toBe(false);
  });

  it('does nothing, not even begin a grace period, where nothing is queued', () => {
    const { heap, thread, callbacks } = makeQueues();
    const started = graceStarted(heap);
    expect(poll(thread, callbacks, 9) + pollAll(thread, callbacks, 9)).toBe(0);
    expect(graceStarted(heap)).toBe(started);
    expect(hasCallbacks(heap, 7 as ThreadId)).toBe(false);
  });
});

describe('a thread that runs its callbacks by hand', () => {
  it('takes what it queued, oldest first, once, and sees what each waits for', () => {
    const { heap, thread, heads, ran, callbacks } = makeQueues();
    const [first, second, third] = heads as [Word, Word, Word];
    callRcu(thread, first, 0);
    callRcu(thread, second, 0);
    advanceGrace(heap);
    callRcu(thread, third, 0);
    const taken = takeQueued(thread);
    expect(taken).toEqual([first, second, third]);
    const started = graceStarted(heap);
    expect(taken.map((head) => waitsFor(thread, head))).toEqual([
      started,
      started,
      successor(started),
    ]);
    for (const head of taken) runCallback(thread, callbacks, head);
    expect(ran).toEqual([0, 1, 2]);
    expect([takeQueued(thread), waitsFor(thread, first)]).toEqual([[], 0]);
    // The queue works on: nothing of the old chain comes back.
    callRcu(thread, second, 0);
    expect(takeQueued(thread)).toEqual([second]);
  });
});

/** What the model knows of a head that is queued. */
interface Queued {
  readonly started: GracePeriod;
  readonly sections: readonly object[];
}

const OPS = ['queue', 'queue', 'poll', 'poll', 'pollAll', 'lock', 'unlock'] as const;

describe('any history of threads, readers and polls', () => {
  it('runs each callback once and after its readers left (P1, P7)', () => {
    const op = fc.tuple(
      fc.constantFrom(...OPS),
      fc.nat({ max: 3 }),
      fc.nat({ max: HEADS_MAX - 1 }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 150 }), fc.boolean(), (ops, qsbr) => {
        const { heap, mem, thread, others, heads } = makeQueues();
        const threads = [thread, ...others, attachThread(heap, qsbr ? 'qsbr' : 'epoch')];
        const open = threads.map(() => [] as object[]);
        const queued = new Map<Word, Queued>();
        const run: Callback = (_, head) => {
          const { started, sections } = queued.get(head) as Queued;
          queued.delete(head);
          const completed = mem.load(headerWord(HEAP.GP_COMPLETED));
          expect(isBefore(started, completed)).toBe(true);
          expect(open.flat().filter((section) => sections.includes(section))).toEqual([]);
          mem.poke(head, 0);
        };
        for (const [what, who, which] of ops) {
          const [actor, head] = [threads[who] as Thread, heads[which] as Word];
          if (what === 'queue' && !queued.has(head)) {
            queued.set(head, { started: graceStarted(heap), sections: open.flat() });
            callRcu(actor, head, 0);
          } else if (what === 'poll') poll(actor, [run], 1 + (which % 5));
          else if (what === 'pollAll') pollAll(actor, [run], 1 + (which % 5));
          else if (what === 'lock') {
            rcuReadLock(actor);
            open[who]?.push({});
          } else if (what === 'unlock' && open[who]?.pop()) rcuReadUnlock(actor);
        }
        for (const [i, sections] of open.entries()) {
          while (sections.pop()) rcuReadUnlock(threads[i] as Thread);
        }
        for (let i = 0; i < 20; i++) for (const each of threads) pollAll(each, [run], 9);
        expect([...queued.keys()]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
