/** Grace periods and readers: what a reader holds up and what it does not, in both flavours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, type GracePeriod } from '#src/core/base/units.js';
import { type Heap, headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import { attachThread } from '#src/core/rcu/attach.js';
import {
  advanceGrace,
  beginGrace,
  endGrace,
  graceAhead,
  graceBegun,
  graceEnded,
  graceStarted,
  isBefore,
  readerBefore,
  successor,
} from '#src/core/rcu/grace-period.js';
import {
  isReading,
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '#src/core/rcu/reader.js';
import { checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';

const LAST = 2 ** 31 - 1;

/** The number that comes `steps` after `from`: 1 to LAST in turn. */
function numberAfter(from: number, steps: number): GracePeriod {
  return (((from - 1 + steps) % LAST) + 1) as GracePeriod;
}

const number = fc.oneof(
  fc.integer({ min: 1, max: LAST }),
  fc.integer({ min: 1, max: 8 }),
  fc.integer({ min: LAST - 8, max: LAST }),
  fc.integer({ min: 2 ** 30 - 4, max: 2 ** 30 + 4 }),
);

describe('numbers of grace periods', () => {
  it('follow each other and skip 0', () => {
    expect(successor(LAST as GracePeriod)).toBe(1);
    expect(successor(1 as GracePeriod)).toBe(2);
    fc.assert(
      fc.property(number, (n) => {
        expect(successor(n as GracePeriod)).toBe(numberAfter(n, 1));
      }),
    );
  });

  it('compare rightly over the wrap, up to 2^30 - 2 apart', () => {
    const distance = fc.oneof(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 2 ** 30 - 2 }),
    );
    fc.assert(
      fc.property(number, distance, (n, steps) => {
        expect(isBefore(n, numberAfter(n, steps))).toBe(true);
        expect(isBefore(numberAfter(n, steps), n)).toBe(false);
        expect(isBefore(n, n)).toBe(false);
      }),
    );
  });

  it('say what has begun, what is over and what surely has not begun', () => {
    const { heap } = makeHeap({ completed: LAST });
    expect([graceStarted(heap), graceAhead(heap)]).toEqual([LAST, 1]);
    const asked = [LAST, 1, 2] as GracePeriod[];
    const state = (): boolean[][] => asked.map((n) => [graceBegun(heap, n), graceEnded(heap, n)]);
    expect(state()).toEqual([
      [true, true],
      [false, false],
      [false, false],
    ]);
    beginGrace(heap);
    expect(state()[1]).toEqual([true, false]);
    expect(graceAhead(heap)).toBe(2);
    beginGrace(heap);
    expect(graceStarted(heap)).toBe(1);
    endGrace(heap);
    expect(state()).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
  });
});

const OPS = [
  'lock',
  'unlock',
  'quiescent',
  'offline',
  'online',
  'begin',
  'end',
  'advance',
] as const;

/** One thread of the model. `published` is an ordinal; null outside (epoch) or offline (qsbr). */
interface Reader {
  readonly thread: Thread;
  nesting: number;
  published: number | null;
}

/** Grace periods by ordinal, from the one that was over when the heap was made. */
class Model {
  started = 0;
  completed = 0;
  readonly readers: readonly Reader[];

  constructor(threads: readonly Thread[]) {
    this.readers = threads.map((thread) => ({ thread, nesting: 0, published: null }));
  }

  blocker(n: number): Reader | undefined {
    return this.readers.find(({ published }) => published !== null && published < n);
  }

  begin(): void {
    if (this.completed === this.started) this.started++;
  }

  end(): void {
    if (this.blocker(this.started) === undefined) this.completed = this.started;
  }

  lock(reader: Reader): void {
    const { qsbr } = reader.thread;
    if (reader.nesting === 0 && !(qsbr && reader.published !== null)) {
      reader.published = this.started;
    }
    reader.nesting++;
  }

  unlock(reader: Reader): void {
    reader.nesting--;
    if (reader.nesting === 0 && !reader.thread.qsbr) reader.published = null;
  }
}

const IN_READER = expect.objectContaining({ name: 'UsageError', code: 'inside-reader' });

/** A call that is refused inside a section, of qsbr threads only. */
function outside(reader: Reader, call: (thread: Thread) => void, effect: () => void): void {
  if (!reader.thread.qsbr) call(reader.thread);
  else if (reader.nesting > 0) expect(() => call(reader.thread)).toThrow(IN_READER);
  else {
    call(reader.thread);
    effect();
  }
}

function step(model: Model, heap: Heap, op: (typeof OPS)[number], reader: Reader): void {
  const { thread } = reader;
  if (op === 'begin') {
    model.begin();
    beginGrace(heap);
  } else if (op === 'end') {
    model.end();
    endGrace(heap);
  } else if (op === 'advance') {
    model.begin();
    model.end();
    advanceGrace(heap);
  } else if (op === 'lock') {
    model.lock(reader);
    rcuReadLock(thread);
  } else if (op === 'unlock') {
    if (reader.nesting === 0) {
      expect(() => rcuReadUnlock(thread)).toThrow(expect.objectContaining({ code: 'not-reading' }));
    } else {
      model.unlock(reader);
      rcuReadUnlock(thread);
    }
  } else if (op === 'quiescent') {
    outside(reader, quiescent, () => {
      if (reader.published !== null) reader.published = model.started;
    });
  } else if (op === 'offline') {
    outside(reader, rcuOffline, () => {
      reader.published = null;
    });
  } else {
    if (thread.qsbr) reader.published ??= model.started;
    rcuOnline(thread);
  }
}

function checkSame(model: Model, heap: Heap, first: number): void {
  const { mem } = heap;
  expect(mem.load(headerWord(HEAP.GP_STARTED))).toBe(numberAfter(first, model.started));
  expect(mem.load(headerWord(HEAP.GP_COMPLETED))).toBe(numberAfter(first, model.completed));
  for (const { thread, nesting, published } of model.readers) {
    const word = mem.load(at(thread.record, THREAD.READER));
    expect(word).toBe(published === null ? 0 : numberAfter(first, published));
    expect(isReading(thread)).toBe(nesting > 0);
  }
  for (const n of [model.started, model.started + 1]) {
    const blocker = readerBefore(heap, numberAfter(first, n));
    expect(blocker).toBe(model.blocker(n)?.thread.id ?? null);
  }
}

describe('readers', () => {
  it('hold up what begins after they entered, and nothing else, whatever happens (G1, G2)', () => {
    const ops = fc.array(fc.tuple(fc.constantFrom(...OPS), fc.nat({ max: 3 })), { maxLength: 80 });
    const first = fc.oneof(fc.integer({ min: LAST - 10, max: LAST }), fc.constant(1));
    fc.assert(
      fc.property(first, ops, (completed, steps) => {
        const { heap, thread } = makeHeap({ completed });
        const threads = [
          thread,
          ...(['epoch', 'qsbr', 'qsbr'] as const).map((flavour) => attachThread(heap, flavour)),
        ];
        const model = new Model(threads);
        for (const [op, index] of steps) {
          step(model, heap, op, model.readers[index] as Reader);
          checkSame(model, heap, completed);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('do not hold up the grace period that was under way when they entered', () => {
    const { heap, thread } = makeHeap();
    beginGrace(heap);
    const n = graceStarted(heap);
    rcuReadLock(thread);
    endGrace(heap);
    expect(graceEnded(heap, n)).toBe(true);
    for (let i = 0; i < 5; i++) advanceGrace(heap);
    expect(graceStarted(heap)).toBe(successor(n));
    expect(graceEnded(heap, successor(n))).toBe(false);
    expect(readerBefore(heap, successor(n))).toBe(thread.id);
    rcuReadUnlock(thread);
    endGrace(heap);
    expect(graceEnded(heap, successor(n))).toBe(true);
  });

  it('that are nested leave with the outermost unlock', () => {
    const { heap, thread } = makeHeap();
    const n = graceAhead(heap);
    for (let depth = 0; depth < 3; depth++) rcuReadLock(thread);
    for (let depth = 3; depth > 0; depth--) {
      advanceGrace(heap);
      expect([isReading(thread), graceEnded(heap, n)]).toEqual([true, false]);
      rcuReadUnlock(thread);
    }
    endGrace(heap);
    expect([isReading(thread), graceEnded(heap, n)]).toEqual([false, true]);
  });

  it('that were never entered can not be left, and nothing changes', () => {
    const { heap, thread } = makeHeap();
    const before = snapshot(heap);
    expect(() => rcuReadUnlock(thread)).toThrow('readUnlock without readLock');
    checkUnchanged(heap, before);
  });

  it('of other threads are named when they hold up a grace period', () => {
    const { heap } = makeHeap();
    const threads = [1, 2, 3].map(() => attachThread(heap, 'epoch'));
    for (const thread of [threads[2], threads[1]] as Thread[]) rcuReadLock(thread);
    advanceGrace(heap);
    expect(readerBefore(heap, graceStarted(heap))).toBe(threads[1]?.id);
    rcuReadUnlock(threads[1] as Thread);
    expect(readerBefore(heap, graceStarted(heap))).toBe(threads[2]?.id);
    rcuReadUnlock(threads[2] as Thread);
    expect(readerBefore(heap, graceStarted(heap))).toBe(null);
  });
});

describe('a qsbr thread', () => {
  it('holds up grace periods between its sections too, until it says that it is quiescent', () => {
    const { heap } = makeHeap();
    const thread = attachThread(heap, 'qsbr');
    const ends = (): boolean => {
      const n = graceAhead(heap);
      advanceGrace(heap);
      advanceGrace(heap);
      return graceEnded(heap, n);
    };
    expect(ends(), 'not online yet').toBe(true);
    rcuReadLock(thread);
    rcuReadUnlock(thread);
    expect(ends(), 'online').toBe(false);
    quiescent(thread);
    advanceGrace(heap);
    expect(readerBefore(heap, graceStarted(heap))).toBe(null);
    expect(ends(), 'quiescent before it began').toBe(false);
    rcuOffline(thread);
    advanceGrace(heap);
    expect(ends(), 'offline').toBe(true);
    quiescent(thread);
    expect(ends(), 'still offline').toBe(true);
    rcuOnline(thread);
    expect(ends(), 'online again').toBe(false);
  });
});
